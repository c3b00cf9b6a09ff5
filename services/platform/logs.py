"""Structured logs on standard output: for people, or one JSON object per line."""

import logging
import sys

import structlog

Logger = structlog.typing.FilteringBoundLogger
# Local variables would be shown by default: requests, passwords, the content of checks.
_TRACEBACKS = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)


def configure(service: str, level: str, log_format: str) -> None:
    """Configure structlog and the standard library to log in the same format.

    Args:
        service: the name of the process, for every line.
        level: one of settings.LOG_LEVELS.
        log_format: one of settings.LOG_FORMATS.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    last: list[structlog.typing.Processor]
    if log_format == "json":
        last = [structlog.processors.ExceptionRenderer(_TRACEBACKS), structlog.processors.JSONRenderer()]
    else:
        # Without this, tracebacks show every local variable as soon as the package rich is installed.
        traceback = structlog.dev.plain_traceback
        last = [structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), exception_formatter=traceback)]
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(service=service)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=last, foreign_pre_chain=shared))
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[handler], force=True)


def get(name: str) -> Logger:
    """Return a logger with the name of a component."""
    logger: Logger = structlog.get_logger(room=name)
    return logger
