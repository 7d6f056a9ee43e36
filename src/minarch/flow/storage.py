"""A run without a shared disk: Snakemake's default storage holds the items as parcels, and what nodes plan by."""

import tempfile
from pathlib import Path
from typing import Any

from minarch.flow import fastest
from minarch.flow.parcel import SUFFIX, pack, unpack, unpack_items
from minarch.flow.plan import Plan
from minarch.flow.seal import RECORD
from minarch.flow.stages import STAGES


class Storage:
    """Snakemake's default storage, if a run has one (`--default-storage-provider`)."""

    def __init__(self, workflow: Any) -> None:
        self._workflow = workflow
        self._provider = workflow.storage_registry.default_storage_provider

    @property
    def used(self) -> bool:
        return self._provider is not None

    def product(self, path: str) -> str:
        """The file that stands for an item's folder in the rules: its record, or in a storage its parcel."""
        return f"{path}{SUFFIX}" if self.used else f"{path}/{RECORD}"

    def send_answers(self) -> None:
        """Let nodes go by what this workspace has found to be fastest, so that they make the same bytes."""
        if self.used and fastest.folder().is_dir():
            with tempfile.TemporaryDirectory() as folder:
                parcel = Path(folder, "parcel")
                pack(fastest.folder(), parcel)
                stored = self._object(fastest.folder())
                stored.set_local_path(parcel)
                self._workflow.async_run(stored.managed_store())

    def fetch_plan(self, plan: Plan) -> None:
        """On a node: what stages have decided so far, by which later ones are planned, and what is fastest.

        Raises:
            UserError: a parcel is not what it should be.
        """
        if self.used:
            if answers := self._fetched(fastest.folder()):
                unpack(answers, fastest.folder())
            for stage in STAGES:
                if STAGES[stage].decides and plan.ready(stage):
                    for item in plan.items(stage).values():
                        if parcel := self._fetched(plan.folder(item.path)):
                            unpack_items([item.path], plan.root, parcel.parents[1])

    def _fetched(self, folder: Path) -> Path | None:
        """A folder's parcel, brought here; None if the folder is here, or nothing in the storage."""
        stored = self._object(folder)
        if folder.exists() or not self._workflow.async_run(stored.managed_exists()):
            return None
        self._workflow.async_run(stored.managed_retrieve())
        return Path(stored.local_path())

    def _object(self, folder: Path) -> Any:
        prefix = self._workflow.storage_settings.default_storage_prefix.rstrip("/")
        return self._provider.object(f"{prefix}/{folder.as_posix()}{SUFFIX}")
