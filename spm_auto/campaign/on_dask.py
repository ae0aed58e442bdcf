"""Dask does the runs: on a cluster that is there, on this machine, or through a batch system.

The scheduler is told nothing but the folders of runs, and hears nothing but how each ended.
"""

import importlib.util
import logging
import shutil
import sys
from collections import Counter, deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

from .. import __version__
from ..errors import CampaignError
from .attempts import MOST_LOSSES, losses, why_lost
from .batch import ClusterSettings
from .executors import ONE_THREAD, Outcome, Work, given_up

_AT_ONCE = 1000  # runs that the scheduler knows of: what it bears does not depend on the campaign
_CONNECT = 30.0  # [s] within which a scheduler answers
_SUBMIT = {"slurm": "sbatch", "pbs": "qsub"}
_ADDRESSES = ("tcp://", "tls://", "ws://", "wss://", "ucx://")


class DaskPool:
    """The workers of a Dask cluster.

    Args:
        client: Of Dask, connected.
        dashboard: Address of Dask's own page; "" where there is none.
    """

    def __init__(self, client: Any, dashboard: str = "") -> None:
        self._client = client
        self.dashboard = dashboard

    @classmethod
    @contextmanager
    def local(cls, workers: int | None = None) -> Iterator[Self]:
        """Make a cluster on this machine, for a while.

        Args:
            workers: How many processes; as many as there are cores without it.
        """
        distributed = _distributed()
        import dask

        with ExitStack() as leaving:
            leaving.enter_context(dask.config.set(_SETTINGS))
            cluster = leaving.enter_context(
                distributed.LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    processes=True,
                    dashboard_address="127.0.0.1:0",
                    env=ONE_THREAD,
                    silence_logs=logging.ERROR,  # a worker that dies is told by its run
                )
            )
            client = leaving.enter_context(distributed.Client(cluster))
            yield cls(client, cluster.dashboard_link)

    @classmethod
    @contextmanager
    def at(cls, address: str) -> Iterator[Self]:
        """Use a cluster that is there; its certificates are those of Dask's own configuration.

        Args:
            address: Of its scheduler.

        Raises:
            CampaignError: It does not answer, or its workers have another version of spm_auto.
        """
        if not address.startswith(_ADDRESSES):
            raise CampaignError(
                f"{address!r} is no address of a scheduler: write one such as tcp://host:8786 or "
                f"tls://host:8786"
            )
        distributed = _distributed()
        try:
            client = distributed.Client(address, timeout=_CONNECT)
        except (OSError, ValueError, RuntimeError) as error:
            raise CampaignError(f"the scheduler at {address} does not answer: {error}") from error
        with client:
            _check_versions(client)
            yield cls(client, client.dashboard_link or "")

    @classmethod
    @contextmanager
    def through(cls, system: str, settings: ClusterSettings, folder: Path) -> Iterator[Self]:
        """Let a batch system start workers, as long as there is something to do.

        Args:
            system: "slurm" or "pbs".
            settings: What its jobs get.
            folder: Seen by all machines; certificates and logs go there.

        Raises:
            CampaignError: There is no such system here, or Dask cannot work with it.
        """
        submit = _SUBMIT[system]
        if shutil.which(submit) is None:
            raise CampaignError(
                f"there is no {submit} here: --on {system} works where jobs are submitted; --array "
                f"writes job scripts anywhere"
            )
        distributed = _distributed()
        import dask

        with ExitStack() as leaving:
            leaving.enter_context(dask.config.set(_SETTINGS))
            cluster = leaving.enter_context(batch_cluster(system, settings, folder))
            cluster.adapt(minimum_jobs=0, maximum_jobs=settings.jobs)
            client = leaving.enter_context(distributed.Client(cluster))
            yield cls(client, cluster.dashboard_link)

    @property
    def workers(self) -> int:
        """How many runs it does at once, now."""
        threads = self._client.nthreads()
        return sum(threads.values())

    def map(self, folders: Sequence[Path], work: Work) -> Generator[Outcome]:
        """Do the runs of these folders."""
        waiting, killed = deque(folders), Counter[Path]()
        held: dict[Any, Path] = {}
        ending = _distributed().as_completed()

        def submit() -> None:
            while waiting and len(held) < _AT_ONCE:
                folder = waiting.popleft()
                future = self._client.submit(work, folder, pure=False, retries=MOST_LOSSES - 1)
                held[future] = folder
                ending.add(future)

        try:
            submit()
            for future in ending:
                folder = held.pop(future)
                outcome = _outcome_of(future, folder, killed)
                future.release()
                if outcome is None:
                    waiting.append(folder)
                submit()
                if outcome is not None:
                    yield outcome
        finally:
            if held:
                self._client.cancel(list(held), force=True)


def batch_cluster(system: str, settings: ClusterSettings, folder: Path) -> Any:
    """Make a Dask cluster whose workers are jobs of a batch system; none is submitted yet.

    All talk is encrypted, with certificates made for this cluster.

    Args:
        system: "slurm" or "pbs".
        settings: What its jobs get.
        folder: Seen by all machines; certificates and logs go there.

    Raises:
        CampaignError: Dask's part for batch systems is not installed, or cannot work here.
    """
    distributed = _distributed()
    try:
        import dask_jobqueue
    except ImportError as error:
        raise CampaignError(_MISSING) from error
    jobqueue: Any = dask_jobqueue
    kinds = {"slurm": jobqueue.SLURMCluster, "pbs": jobqueue.PBSCluster}
    secret = folder.absolute() / "dask"
    secret.mkdir(parents=True, exist_ok=True)
    secret.chmod(0o700)  # the keys of the certificates lie in it
    special: dict[str, Any] = {}
    if system == "pbs":
        special["resource_spec"] = settings.pbs_select()
    try:
        return kinds[system](
            queue=settings.queue or None,
            account=settings.account or None,
            cores=settings.cores,
            processes=settings.cores,  # a run uses one thread
            memory=f"{int(settings.memory)}B",
            walltime=settings.wall_clock(),
            job_extra_directives=list(settings.extra(system)),
            job_script_prologue=[
                *(f"export {name}={value}" for name, value in ONE_THREAD.items()),
                "export DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED=False",
                *settings.prologue,
            ],
            worker_extra_args=["--lifetime", f"{settings.lifetime:.0f}s", "--no-dashboard"],
            interface=settings.interface or None,
            python=settings.python or sys.executable,
            security=distributed.Security.temporary(),
            protocol="tls://",
            shared_temp_directory=str(secret),
            log_directory=str(secret),
            scheduler_options={"dashboard_address": "127.0.0.1:0"},
            **special,
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise CampaignError(f"no cluster can be made here for {system}: {error}") from error


def can_draw() -> bool:
    """Whether Dask's own page can be drawn: it needs bokeh."""
    return importlib.util.find_spec("bokeh") is not None


_MISSING = "Dask is not installed here: pip install 'spm_auto[campaign]'"
# each worker has one run, so that what it dies of is known; nobody looks at profiles, whose samples
# cost the more the slower a machine is
_SETTINGS = {
    "distributed.worker.profile.enabled": False,
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.scheduler.allowed-failures": MOST_LOSSES - 1,
}


def _distributed() -> Any:
    try:
        import distributed
    except ImportError as error:
        raise CampaignError(_MISSING) from error
    return distributed


def _check_versions(client: Any) -> None:
    """Refuse workers that would do other runs than this program orders."""
    for address, found in sorted(client.run(_version).items()):
        if found != __version__:
            raise CampaignError(
                f"worker {address} has spm_auto {found}, this is {__version__}: install the same "
                f"version there"
            )


def _version() -> str:
    return __version__


def _outcome_of(future: Any, folder: Path, killed: Counter[Path]) -> Outcome | None:
    """Return how a run went; None where it has to be tried again."""
    from distributed.scheduler import KilledWorker

    if future.status == "finished":
        outcome: Outcome = future.result()
        return outcome
    if future.status != "error":
        raise CampaignError(
            f"Dask's scheduler has let go of a run ({future.status}): is it still there?"
        )
    error = future.exception()
    if not isinstance(error, KilledWorker):
        return given_up(folder, f"{type(error).__name__}: {error}")
    # several runs are named as a worker dies, of which its log says which one it did
    killed[folder] += 1
    if losses(folder) < MOST_LOSSES and killed[folder] < MOST_LOSSES:
        return None
    return given_up(folder, why_lost(folder) or "its worker was killed")
