"""The reasons for refusing an import or another change of bars."""

from collections.abc import Iterable

from tradedesk.marketdata.quality import Finding


class ImportRefused(ValueError):
    """A refused import, deletion or restoration. The message says what is wrong and what to do; `field` is the
    form field."""

    def __init__(self, message: str, field: str = "file") -> None:
        super().__init__(message)
        self.field = field


class FindingsRefused(ImportRefused):
    """Refused for `findings`, which a trader may accept by name."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = list(findings)
        names = " ".join(f"--accept {finding.name}" for finding in self.findings)
        messages = " ".join(finding.message for finding in self.findings)
        super().__init__(f"{messages} If the prices are correct, import with {names}.")
