"""Self-supervised learning for ECG-based emotion recognition.

Importing the package touches neither Keras nor TensorFlow: only the modules that train
(`ecglib.transforms`, `ecglib.models`, `ecglib.pretrain`, `ecglib.heads`) import Keras.
"""

__version__ = "0.1.0"
