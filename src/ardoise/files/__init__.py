"""Files: a trained network on disk, written whole or not at all."""

from ardoise.files.atomic import write_atomically
from ardoise.files.model import Model, ModelFileError, load_model, save_model

__all__ = ["Model", "ModelFileError", "load_model", "save_model", "write_atomically"]
