"""Who may read what: sealing with a key for each case, and blind indexes to compare persons unseen."""

from shared.privacy.blind import BlindIndex, normal_id_number, normal_name, normal_phone
from shared.privacy.seal import Key, SealBroken

__all__ = ["BlindIndex", "Key", "SealBroken", "normal_id_number", "normal_name", "normal_phone"]
