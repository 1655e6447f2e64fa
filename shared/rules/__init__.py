"""Rules as data: reading rule files strictly, the language of their conditions, and China's time.

Imports nothing of the project but the vocabulary.
"""

from shared.rules.china_time import CHINA, china_day, iso
from shared.rules.condition import Condition, Subject, condition
from shared.rules.table import RuleError, Table, read

__all__ = ["CHINA", "Condition", "RuleError", "Subject", "Table", "china_day", "condition", "iso", "read"]
