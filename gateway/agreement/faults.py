"""What is wrong with an agreement, all of it at once, each fault with the place it lies in."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Fault:
    """One fault: where it is, such as ``flows.notifications.fields[3].list``, and words."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class AgreementFaults(Exception):
    """An agreement or a code list cannot be used. Holds every fault that was found."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self.faults = faults
        count = "one fault" if len(faults) == 1 else f"{len(faults)} faults"
        lines = "\n".join(f"  {fault}" for fault in faults)
        super().__init__(f"The agreement has {count} and cannot be used until put right:\n{lines}")
