"""Self-supervised learning for ECG-based emotion recognition.

``import ecglib as ecg`` offers the steps of the method by name, each loaded when it is first used.
Everything else is in the rooms: `core`, `data`, `preprocessing`, `synthetic`, `features`, `models`,
`pretext`, `transfer`, `evaluation`, `studies`, `plots`, `workflows` and `commands`, none of which
imports a later one.
"""

import lazy_loader

__version__ = "0.2.0"

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["plots"],
    submod_attrs={
        "core.errors": ["DataError"],
        "data.cohort": ["Cohort"],
        "data.dreamer": ["read_dreamer"],
        "data.folder": ["read_folder"],
        "data.readers.any_format": ["read_recording"],
        "data.targets": ["Classes", "Rating"],
        "synthetic.cohort": ["CohortSpec", "make_cohort"],
        "preprocessing.segmentation": ["WindowConfig", "make_windows", "windows_of"],
        "preprocessing.windows": ["Windows"],
        "models.embedding": ["embed", "encoders"],
        "models.encoder": ["EncoderConfig"],
        "models.weights": ["load_encoder", "save_encoder"],
        "pretext.pretrain": ["pretrain"],
        "evaluation.splits": [
            "ClipGroupedKFold",
            "ParticipantGroupedKFold",
            "TrialGroupedKFold",
            "WindowKFold",
        ],
        "evaluation.leave_out": ["LeaveOneParticipantOut"],
        "evaluation.crossfit": ["participant_groups"],
        "evaluation.evaluate": ["evaluate"],
        "evaluation.audit": ["audit_predictions"],
        "evaluation.summaries": ["paired_difference", "summarise"],
        "studies.profiles": ["get_profile"],
        "studies.study": ["Study"],
    },
)
