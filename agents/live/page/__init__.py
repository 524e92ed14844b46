"""A page in the browser that shows a live run and has its buttons (extra: live)."""

from typing import TYPE_CHECKING

from agents.live.page.info import Controls, PageInfo, page_info
from agents.live.page.security import is_loopback
from agents.live.state import LiveState
from eeg_emotion_env.errors import ConfigError

if TYPE_CHECKING:
    from agents.live.page.server import PageServer

__all__ = ["Controls", "PageInfo", "is_loopback", "page_info", "require_bokeh", "serve_page"]

PORT = 5006


def require_bokeh() -> None:
    """Raise an error of one line if what serves the page is not installed."""
    try:
        import bokeh.server.server  # noqa: F401
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"the page needs {error.name}: pip install bokeh (extra 'live')"
        ) from error


def serve_page(
    info: PageInfo,
    state: LiveState,
    controls: Controls,
    host: str = "127.0.0.1",
    port: int = PORT,
) -> "PageServer":
    """Return a server of the page, which listens already; enter it to begin.

    Parameters
    ----------
    info : PageInfo
        Names, channels, maps.
    state : LiveState
        An output of the run.
    controls : Controls
        The run.
    host : str
        Address to listen on; others than loopback can be reached from other machines.
    port : int
        Port; 0 takes a free one.

    Raises
    ------
    ConfigError
        If Bokeh is not installed, or it cannot listen there.
    """
    require_bokeh()
    from agents.live.page.server import PageServer

    return PageServer(info, state, controls, host, port)
