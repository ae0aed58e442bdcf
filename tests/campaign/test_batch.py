"""Job scripts for batch systems."""

import shutil
import subprocess
from pathlib import Path

import pytest

from spm_auto.campaign import ClusterSettings, DaskPool, read_cluster, write_arrays
from spm_auto.campaign.on_dask import batch_cluster
from spm_auto.errors import CampaignError, RecipeError

CLUSTER = """
schema_version = 1
queue = "gpu"
account = "spm"
cores = 4
memory = "16 GB"
walltime = "2 h"
jobs = 40
gpus = 1
interface = "lo"
prologue = ["module load python"]
directives = ["--constraint=fast"]
python = "/opt/spm/bin/python"
"""


def settings(tmp_path: Path, text: str = CLUSTER) -> ClusterSettings:
    path = tmp_path / "cluster.toml"
    path.write_text(text)
    return read_cluster(path)


def test_the_scripts_of_an_array_ask_for_what_the_file_says_and_do_a_part_each(
    tmp_path: Path,
) -> None:
    out = tmp_path / "a folder"
    slurm, pbs = write_arrays(out, settings(tmp_path), 12)
    asked = [line[8:] for line in slurm.read_text().splitlines() if line.startswith("#SBATCH")]
    assert "--array=0-11%40" in asked
    assert "--time=02:00:00" in asked
    assert "--mem=15259M" in asked
    assert "--gres=gpu:1" in asked
    assert "#PBS -l select=1:ncpus=4:ngpus=1:mem=15259mb" in pbs.read_text().splitlines()
    last = slurm.read_text().splitlines()[-1]
    assert last == (
        f"exec /opt/spm/bin/python -m spm_auto campaign-work '{out}' "
        "--part \"$SLURM_ARRAY_TASK_ID\" --of 12 --workers 4 --within '6480 s'"
    )
    assert "export OMP_NUM_THREADS=1" in slurm.read_text().splitlines()
    assert (out / "logs").is_dir()
    bash = shutil.which("bash")
    for script in (slurm, pbs) if bash else ():
        done = subprocess.run([str(bash), "-n", str(script)], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ('"2 h"', '"10 s"', "walltime"),
        ('"16 GB"', '"1 GB"', "memory of 1 GB is not enough for 4 runs at once"),
        ('"gpu"', '"gpu; rm -rf"', "queue"),
        ("cores", "core", "core: unknown key; did you mean 'cores'"),
        ('"module load python"', '"a\\nb"', "prologue"),
    ],
)
def test_what_no_batch_system_could_do_is_refused(
    tmp_path: Path, was: str, becomes: str, said: str
) -> None:
    with pytest.raises(RecipeError, match=said):
        settings(tmp_path, CLUSTER.replace(was, becomes, 1))


def test_a_folder_that_a_script_cannot_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="choose plainer signs"):
        write_arrays(tmp_path / "50%", settings(tmp_path), 2)
    with pytest.raises(RecipeError, match="an array of 0 jobs cannot be"):
        write_arrays(tmp_path / "out", settings(tmp_path), 0)


def test_where_no_jobs_can_be_submitted_it_is_said_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    given = settings(tmp_path)
    with (
        pytest.raises(CampaignError, match="there is no qsub here: --on pbs works where jobs"),
        DaskPool.through("pbs", given, tmp_path),
    ):
        pass


@pytest.mark.campaign
@pytest.mark.parametrize("system", ["slurm", "pbs"])
def test_dask_asks_a_batch_system_for_the_same_over_encrypted_lines(
    tmp_path: Path, system: str
) -> None:
    with batch_cluster(system, settings(tmp_path), tmp_path) as cluster:
        script = cluster.job_script()
    (tmp_path / "job.sh").write_text(script)
    subprocess.run(["bash", "-n", str(tmp_path / "job.sh")], check=True)
    assert "tls://" in script
    assert "--tls-cert" in script
    assert "--lifetime 6480s" in script
    assert "export OMP_NUM_THREADS=1" in script
    assert "module load python" in script
    assert "/opt/spm/bin/python -m distributed.cli.dask_worker" in script
    wanted = "#SBATCH --gres=gpu:1" if system == "slurm" else "ncpus=4:ngpus=1:mem=15259mb"
    assert wanted in script
