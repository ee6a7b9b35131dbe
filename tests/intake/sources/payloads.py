"""A hundred names that would do harm if a name were ever anything but a name."""

from __future__ import annotations

_ENDS = ('"', "'", "`", "]", '""', "\\'", '\\"', "$$", ";", "")
_DEEDS = (
    "; DROP TABLE canary; --",
    ") ; DELETE FROM canary; --",
    " UNION SELECT v FROM canary --",
    ", (SELECT max(v) FROM canary)",
    " FROM canary; COMMIT; DROP TABLE canary; --",
    "; COPY canary TO PROGRAM 'touch canary' --",
    "; ATTACH 'canary.db' AS c; CREATE TABLE c.t (v int) --",
    ", read_text('/etc/passwd')",
    "/* */; UPDATE canary SET v = 0 --",
    "%s%d%%(x)s:x{0}${canary}\n\t-- é\u202e",
)
PAYLOADS = tuple(f"a{end}{deed}"[:63] for end in _ENDS for deed in _DEEDS)
"""At most 63 bytes of plain text, which is as long as PostgreSQL's names can be."""
