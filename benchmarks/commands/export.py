"""`export`: a trained model as graphs that run without this package."""

from benchmarks import options as arguments
from benchmarks.commands.common import out_folder, say, write_config
from eeg_emotion_env.errors import check_choice


def export(options: arguments.Export) -> int:
    """Write the encoder's step, and the actor of a trained agent, as graphs."""
    from agents import load_agent
    from agents.export import export_actor
    from encoders import load_encoder
    from encoders.checkpoint import CONFIG_NAME
    from encoders.export import export_encoder

    check_choice("format", options.format, ("onnx", "pt2"))
    has_agent = (options.model / "encoder" / CONFIG_NAME).is_file()
    encoder = load_encoder(options.model / "encoder" if has_agent else options.model)
    agent = load_agent(options.model) if has_agent else None
    out = out_folder(options.out)
    written = [export_encoder(encoder, out / f"encoder.{options.format}")]
    if agent is not None:
        written.append(export_actor(agent, out / f"actor.{options.format}"))
    write_config(out / "export.json", options)
    say(f"{' and '.join(path.name for path in written)} written to {out}")
    return 0
