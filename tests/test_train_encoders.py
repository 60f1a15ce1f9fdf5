from ecglib.models.embedding import encoders
from tools import train_encoders


def test_the_tool_trains_what_ships():
    assert encoders() == sorted(f"{n}-v{train_encoders.VERSION}" for n in train_encoders.NAMES)
