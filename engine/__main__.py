"""The same jobs from a terminal: `triptych COMMAND ...` or `python -m engine COMMAND ...`.

Exit status: 0 done, 1 a fault of the program, 2 bad input (two-part message on stderr), 130 interrupted.
With --json the last line of stdout is one JSON object, also when it went wrong.
"""

from __future__ import annotations

import argparse
import json
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from engine import cli, jobs
from engine.api import OWN_VOCODER, PROBE_TASKS, RENDERINGS, RULES, SYSTEMS, VOCODERS, Cancelled, Control, presets
from engine.api.errors import EngineError
from engine.cli import Facts
from engine.cli.terminal import Terminal
from engine.training.distributed.launch import this_process
from engine.worker import set_threads

DONE, FAULT, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    if options.command in (None, "studio"):
        return _studio(getattr(options, "project", None))
    set_threads()
    terminal = Terminal(Control.STOP if options.command == "train" else Control.CANCEL)
    command: Callable[[argparse.Namespace, Terminal], Facts] = options.run
    status, facts = DONE, {}
    with terminal:
        try:
            facts = command(options, terminal)
            status = INTERRUPTED if terminal.interrupted else DONE
        except (Cancelled, KeyboardInterrupt):
            terminal.say("Interrupted.")
            status, facts = INTERRUPTED, {"error": {"what": "Interrupted.", "hint": "Start it again to go on."}}
        except Exception as error:  # noqa: BLE001 - the top of the program: everything becomes words for the user
            what, hint = jobs.in_words(error)
            terminal.say(what)
            terminal.say(hint)
            expected = isinstance(error, EngineError | OSError)
            if not expected:
                print(traceback.format_exc(), file=sys.stderr)
            status, facts = BAD_INPUT if expected else FAULT, {"error": {"what": what, "hint": hint}}
    if not this_process().first:
        return status  # of several processes one speaks
    if options.json:
        print(json.dumps(facts, default=str), flush=True)
    elif status == DONE:
        _print_facts(facts)
    return status


def _print_facts(facts: Facts) -> None:
    for name, value in facts.items():
        shown = json.dumps(value, ensure_ascii=True) if isinstance(value, dict | list) else value
        print(f"{name}: {shown}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="triptych", description="A voice-analysis studio over a three-timescale autoencoder of speech."
    )
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace, Terminal], Facts], text: str) -> Any:
        sub = subparsers.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
        sub.add_argument("--json", action="store_true", help="one JSON object as the last line of stdout")
        sub.add_argument("--device", default="auto", metavar="D", help="auto, cpu, cuda, cuda:1 or mps")
        sub.add_argument("--model", metavar="FILE", help="a model file (NAME.triptych.safetensors)")
        return sub

    studio = subparsers.add_parser("studio", help="open the window (the same as no command)")
    studio.add_argument("project", nargs="?", metavar="PROJECT")

    train = command("train", cli.train, "Train a model, or go on with a run that was stopped.")
    train.add_argument("run_dir", metavar="RUN_DIR", help="folder of the run; made if it is new")
    train.add_argument("--resume", action="store_true", help="go on with the run in RUN_DIR")
    train.add_argument("--corpus", nargs="+", metavar="DIR", help="folders or files to train on")
    train.add_argument("--preset", choices=tuple(presets()), help="where the settings come from (default: quick)")
    train.add_argument("--from", dest="from_model", metavar="MODEL", help="a model to fine-tune")
    train.add_argument("--minutes", type=float, metavar="M", help="time budget")
    train.add_argument("--epochs", type=int, metavar="N", help="passes over the corpus")
    train.add_argument("--batch", type=int, metavar="N", help="pieces a step, of all processes together")
    train.add_argument("--compile", action="store_true", help="fuse the networks' steps (torch.compile)")
    train.add_argument("--seed", type=int, metavar="S")
    train.add_argument(
        "--system", choices=SYSTEMS, help="a system to compare with, for `probe` alone, on plain views"
    )

    analyse = command("analyse", cli.analyse, "Write the latents h, m and z of recordings.")
    analyse.add_argument("paths", nargs="+", metavar="PATH", help="sound files, and folders of them")
    analyse.add_argument("--out", required=True, metavar="FILE", help="FILE.csv, FILE.npz or FILE.parquet")
    analyse.add_argument("--latent", choices=("h", "m", "z", "all"), default="h")

    map_ = command("map", cli.map, "Lay latents out in the plane with t-SNE.")
    map_.add_argument("latents", metavar="LATENTS_FILE", help="a file that `analyse` wrote")
    map_.add_argument("--out", required=True, metavar="POINTS.csv")
    map_.add_argument("--latent", choices=("h", "m", "z"), help="the latent the file must hold")
    map_.add_argument("--colour", "--color", metavar="COLUMN", help="colour of the figure's points")
    map_.add_argument("--figure", metavar="FILE", help="draw it: FILE.png, FILE.svg or FILE.pdf")
    map_.add_argument("--perplexity", type=float, default=30.0, metavar="P")
    map_.add_argument("--seed", type=int, default=0, metavar="S")

    transfer = command("transfer", cli.transfer, "Give recordings the voice or the emotion of others.")
    transfer.add_argument("sources", nargs="+", metavar="SOURCE")
    transfer.add_argument("--out", required=True, metavar="FILE.wav|DIR")
    transfer.add_argument(
        "--voice", nargs="+", default=[], metavar="CLIP", help="give the mean h of these; CLIP=0.3 weighs one"
    )
    transfer.add_argument(
        "--emotion",
        nargs="+",
        default=[],
        metavar="CLIP",
        help="give the m of these; CLIP@2-5 gives some seconds of it",
    )
    transfer.add_argument("--strength", type=float, default=1.0, metavar="S", help="0 = none, 1 = full, up to 1.5")
    transfer.add_argument("--strength-m", type=float, metavar="S", help="of the emotion, where it differs")
    transfer.add_argument(
        "--rendering",
        choices=RENDERINGS,
        default="model",
        help="the decoder's sound, or the recording changed alike",
    )
    transfer.add_argument(
        "--vocoder",
        choices=(OWN_VOCODER, *VOCODERS),
        default=OWN_VOCODER,
        help="auto: the one that the model names",
    )
    transfer.add_argument(
        "--rule", choices=RULES, default="auto", help="how the emotion's seconds are laid on others"
    )
    transfer.add_argument(
        "--edit",
        nargs="+",
        action="append",
        default=[],
        metavar="WORD",
        help="change single seconds: SECONDS CLIP[@SECONDS]... [rule=R] [weight=W] [fade-in=S] [fade-out=S], as in "
        "2-5 angry.wav@0-3; may be given several times",
    )

    probe = command("probe", cli.probe, "Measure what h, m and z tell, beside two baselines and a control.")
    probe.add_argument("--train", nargs="+", metavar="CORPUS", help="folders or files to train the probe on")
    how = probe.add_mutually_exclusive_group()
    how.add_argument("--test", nargs="+", metavar="CORPUS", help="another corpus to test on")
    how.add_argument("--folds", choices=("speaker",), help="test on folds of the one corpus (the default)")
    probe.add_argument("--task", required=True, choices=PROBE_TASKS)
    probe.add_argument("--latent", choices=("h", "m", "z", "all"), default="all")
    probe.add_argument("--seeds", type=int, default=3, metavar="N", help="repetitions with other folds (3)")
    probe.add_argument(
        "--keep",
        metavar="FILE",
        help="write a copy of the model that carries the probe (of h for gender, else of m)",
    )
    probe.add_argument(
        "--cache",
        metavar="DIR",
        help="keep the corpus's spectrograms here, and not in the common cache",
    )

    get = command("get", cli.get, "Fetch a corpus of speech, or (without PART) say which there are.")
    get.add_argument("corpus", nargs="?", metavar="CORPUS", help="librispeech")
    get.add_argument("part", nargs="?", metavar="PART", help="dev-clean, train-clean-100, ...")
    get.add_argument("--to", metavar="DIR", help="folder to put it in: DIR/LibriSpeech/PART")
    get.add_argument("--url", metavar="URL", help="fetch the same archive from a mirror")

    cache = command("cache", cli.cache, "Say what the cache of computed spectrograms holds; care for it.")
    cache.add_argument("--clear", action="store_true", help="delete everything in it")
    cache.add_argument("--limit", type=float, metavar="GB", help="how large it may become")

    again = command("reproduce", cli.reproduce, "Run the paper's experiments: models, tables, figures, a page.")
    again.add_argument(
        "--corpus", nargs="+", required=True, metavar="DIR", help="LibriSpeech and the like, acted speech"
    )
    again.add_argument(
        "--out", required=True, metavar="REPORT", help="folder of the report; a killed run goes on there"
    )
    again.add_argument("--size", choices=("small", "paper"), default="small", help="small: 20 minutes on two cores")
    again.add_argument(
        "--hold-out", default="", metavar="SPEAKER,...", help="voices never trained on (default: by lot)"
    )
    again.add_argument("--seed", type=int, default=0, metavar="S")

    info = command("info", cli.info, "Say what a model file is.")
    info.add_argument("model_file", nargs="?", metavar="MODEL")
    return parser


def _studio(project: str | None) -> int:
    from studio.__main__ import main as open_studio

    return int(open_studio([project] if project else []))


if __name__ == "__main__":
    sys.exit(main())
