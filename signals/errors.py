"""What can go wrong, sorted by who has to act.

Every error says what it is about, what was expected, what came instead, and what to do next.

======================  ===========================================================
`DataNotReady`          nobody yet: the data are not published, so the run waits
`TransientSourceError`  nobody yet: a source is out of reach, and may heal
`DataQualityError`      a person: the data contradict themselves or the calendar
`ConfigurationError`    whoever deployed it: a setting, a path, a database
======================  ===========================================================
"""


class TailguardError(Exception):
    """Base of every error this product raises on purpose.

    Parameters
    ----------
    about : str
        The thing that is wrong: a file and line, a series and session, a setting.
    expected, got : str
        What should have been there, and what was.
    do : str
        The next step for the reader.
    """

    def __init__(self, about: str, *, expected: str, got: str, do: str) -> None:
        self.about = about
        self.expected = expected
        self.got = got
        self.do = do
        super().__init__(about, expected, got, do)

    def __str__(self) -> str:
        return f"{self.about}: expected {self.expected}, got {self.got}. {self.do}"


class DataNotReady(TailguardError):
    """An input of the session is not published yet.

    Parameters
    ----------
    missing : tuple of str
        The series the run waits for.
    """

    def __init__(self, about: str, *, expected: str, got: str, do: str, missing: tuple[str, ...]) -> None:
        super().__init__(about, expected=expected, got=got, do=do)
        self.missing = missing


class TransientSourceError(TailguardError):
    """A source cannot be reached, or answers nonsense: it may heal by itself.

    Parameters
    ----------
    worth_retrying : bool
        Whether it may do so within minutes.
    """

    def __init__(self, about: str, *, expected: str, got: str, do: str, worth_retrying: bool = True) -> None:
        super().__init__(about, expected=expected, got=got, do=do)
        self.worth_retrying = worth_retrying


class DataQualityError(TailguardError):
    """The data are there and cannot be right."""


class ConfigurationError(TailguardError):
    """A setting, a path, an argument or the database is not usable."""
