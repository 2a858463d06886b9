"""`--preset FILE.json`: the preset that suits photos measured before, for all photos of a run."""

from __future__ import annotations

import json
from pathlib import Path

from lgbpn_cli.config import PRESETS
from lgbpn_cli.errors import UsageError


def measured_preset(file: Path) -> str:
    """Return the preset that suits most photos in `file`, which `lgbpn probe --json` has written.

    Raises UsageError where it cannot be read, or is of something else.
    """
    subject = f"--preset {file}"
    try:
        photos = json.loads(file.read_text(encoding="utf-8"))["photos"]
        presets = [photo["preset"] for photo in photos]
    except OSError as error:
        raise UsageError(subject, f"cannot be read ({error.strerror})", "Check its name.") from error
    except (ValueError, LookupError, TypeError) as error:
        cause = "is not a measurement of photos"
        raise UsageError(subject, cause, "Write one with: lgbpn probe photos/ --json > noise.json") from error
    known = sorted(set(PRESETS).intersection(presets))
    if not known:
        raise UsageError(subject, "contains no photos", "Measure some with lgbpn probe.")
    return max(known, key=presets.count)
