"""Whether a home lies on a network file system, where locks and appends do not hold what the run log needs."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

_NETWORK = {
    "afs", "beegfs", "ceph", "cifs", "davfs", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "gpfs",
    "lustre", "ncpfs", "nfs", "nfs4", "smb3", "smbfs",
}  # fmt: skip


def network_file_system(path: Path, mounts: str | None = None) -> str | None:
    """Return the kind of network file system that holds `path`, `None` when it is local or not known.

    Parameters
    ----------
    path : pathlib.Path
        Absolute.
    mounts : str or None
        The mount table in the form of ``/proc/self/mounts``; read from there when not given. Systems without it
        (macOS, Windows) are not known.
    """
    if mounts is None:
        with suppress(OSError):
            mounts = Path("/proc/self/mounts").read_text("utf-8", "replace")
    best, kind = -1, None
    for line in (mounts or "").splitlines():
        _, mounted_at, found, *_ = line.split(" ")
        if path.is_relative_to(mounted_at) and len(mounted_at) > best:
            best, kind = len(mounted_at), found
    return kind if kind in _NETWORK else None
