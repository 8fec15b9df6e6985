"""Stands in for `ziglang` under Wine, where zig's own cache fails: another process compiles.

`python -m ziglang cc …` writes what is asked for into a folder and waits for the answer.
"""

import json
import os
import sys
import time
import uuid
from pathlib import Path

asked = Path(os.environ["TWINRIG_COMPILER"]) / uuid.uuid4().hex
asked.with_suffix(".new").write_text(json.dumps(sys.argv[1:]))
asked.with_suffix(".new").rename(asked.with_suffix(".asked"))
answer = asked.with_suffix(".done")
while not answer.exists():
    time.sleep(0.05)
code, out, err = json.loads(answer.read_text())
sys.stdout.write(out)
sys.stderr.write(err)
sys.exit(code)
