"""A process that speaks as `pipeline.generating.host` does, and does with each picture what its file's name says.

    good-1.png      answered at once, with the name as its text
    slow-0.5-1.png  answered after so many seconds; tokens come meanwhile
    held-1.png      answered when a file of that name is in the folder; tokens come meanwhile
    die-1.png       the process ends, with exit status 3; the same with `die1-...`, but for the first process alone
    kill-1.png      it kills itself
    stuck-1.png     never answered, and from then on no token comes and nothing is answered
    mute-1.png      the same, and it beats no more
    endless-1.png   never answered, but tokens come
    refused-1.png   refused
    text-1.png      what it says is no message, nor is it for `liar-1.png` (a number nobody gave) and `huge-1.png`
    oom-1.png       out of the GPU's memory, as long as more than 8 pages are read at a time; `die1oom-1` dies before
    gone-1.png      it says that its engine has died

What it was asked is in `log` in the folder that STUB names. A file `start` there says how it starts: Python that is run
first, with `settings` and `ready` at hand.
"""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

_FOLDER = Path(os.environ["STUB"])
_LOCK = threading.Lock()
_LOG_LOCK = threading.Lock()

settings = json.loads(sys.argv[-2])
in_hand: dict[int, str] = {}
#: Whether anything is still answered, whether it still beats, and the tokens that were written.
state = {"works": True, "beats": True, "tokens": 0}


def log(**what):
    with _LOG_LOCK, (_FOLDER / "log").open("a") as file:
        file.write(json.dumps({"pid": os.getpid(), **what}) + "\n")


def say(message):
    with _LOCK:
        sys.stdout.write((message if isinstance(message, str) else json.dumps(message)) + "\n")
        sys.stdout.flush()


def ready():
    engine = {"name": "vllm", "model": settings["model"], "version": "0.0"}
    say({"ready": True, "engine": engine, "figures": {"max_num_seqs": settings["engine_args"]["max_num_seqs"]}})


def beat():
    while state["beats"]:
        state["tokens"] += bool(state["works"] and in_hand)
        tokens = state["tokens"] if settings["template"] != "no tokens" else None
        say({"beat": {"running": len(in_hand), "tokens": tokens}})
        time.sleep(0.02)


def answer(number, name):
    if in_hand.pop(number, None) is not None and state["works"]:
        counts = {"prompt_tokens": 3, "completion_tokens": 5}
        say({"number": number, "ok": True, "text": name, "finish_reason": "stop", **counts})


def first():
    return sum('"start"' in line for line in (_FOLDER / "log").read_text().splitlines()) == 1


def hold(name):
    while not (_FOLDER / name).exists():
        time.sleep(0.01)


def fail(number, **more):
    say({"number": number, "ok": False, "code": "engine_failed", "detail": "ValueError: no", **more})


def lose():
    say({"gone": "EngineCore encountered an issue."})
    os._exit(70)


def run_out():
    if settings["engine_args"]["max_num_seqs"] > 8:
        sys.stderr.write("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.\n")
        sys.stderr.flush()
        lose()


#: What is done before the answer; with the rest of the name, the name and the number.
DEEDS = {
    "good": lambda *_: None,
    "slow": lambda rest, *_: time.sleep(float(rest.split("-")[0])),
    "held": lambda _, name, __: hold(name),
    "die": lambda *_: os._exit(3),
    "die1": lambda *_: os._exit(3) if first() else None,
    "kill": lambda *_: os.kill(os.getpid(), signal.SIGKILL),
    "stuck": lambda *_: state.update(works=False),
    "mute": lambda *_: state.update(works=False, beats=False),
    "endless": lambda *_: time.sleep(600),
    "refused": lambda _, __, number: (in_hand.pop(number), fail(number)),
    "text": lambda *_: say("Loading checkpoint shards: 100%"),
    "liar": lambda _, __, number: fail(number + 1000),
    "huge": lambda *_: say("x" * (1 << 23)),
    "oom": lambda *_: run_out(),
    "die1oom": lambda *_: os._exit(3) if first() else run_out(),
    "gone": lambda *_: lose(),
}


def do(number, name):
    deed, _, rest = name.removesuffix(".png").partition("-")
    DEEDS[deed](rest, name, number)
    answer(number, name)


log(start=settings, environment={name: os.environ.get(name) for name in ("HF_HUB_OFFLINE", "VLLM_RPC_BASE_PATH")})
if (_FOLDER / "start").exists():
    exec((_FOLDER / "start").read_text())  # noqa: S102 - what the test has written
ready()
threading.Thread(target=beat, daemon=True).start()
for line in sys.stdin:
    message = json.loads(line)
    if "cancel" in message:
        log(cancel=in_hand.pop(message["cancel"], None))
        continue
    name = Path(message["picture"]).name
    log(asked=name, beside=sorted(in_hand.values()))
    in_hand[message["number"]] = name
    threading.Thread(target=do, args=(message["number"], name), daemon=True).start()
os._exit(0)
