"""What a caller may count on, as checks that run against any server: `regulars probe URL`, or under pytest.

>>> from regulars.serving.kit import checks
>>> found = checks("http://127.0.0.1:8000")
>>> str(found[0])
'/ping answers anybody'

Nothing is asked before a check is called; one that is not kept raises `Broken`. Nothing on the server changes.
"""

from __future__ import annotations

from .check import Broken as Broken
from .check import Check as Check
from .check import checks as checks
from .probe import Outcome as Outcome
from .probe import probed as probed
from .probe import told as told
