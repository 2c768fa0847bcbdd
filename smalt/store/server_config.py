"""The server's three configuration files, written whole at every start: nothing is tuned by hand behind our back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from smalt.store.place import PORT, write_whole

ADMIN_ROLE = "postgres"
LOGIN_ROLES = (ADMIN_ROLE, "smalt_app", "smalt_worker", "smalt_checker")

# No part of a statement, a parameter or a row may reach the server's log:
# - errors stay out (level `log` is above `error`): their first line can quote a value ("invalid input syntax … \"…\"");
# - statements stay out, by duration, by error and by lock wait; parameters stay out in both places;
# - `terse` drops DETAIL, HINT, QUERY and CONTEXT of what remains, such as the query of a crashed process.
_SILENCE = {
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_min_duration_sample": "-1",
    "log_duration": "off",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_connections": "off",
    "log_disconnections": "off",
    "log_lock_waits": "off",
    "log_recovery_conflict_waits": "off",
    "log_temp_files": "-1",
    "log_autovacuum_min_duration": "-1",
    "log_checkpoints": "off",
    "log_replication_commands": "off",
    "debug_print_parse": "off",
    "debug_print_rewritten": "off",
    "debug_print_plan": "off",
    "logging_collector": "off",
    "log_destination": "'stderr'",
    "log_line_prefix": "'%m [%p] '",
}

# A laptop's database: a few dozen sessions, an idle footprint of tens of megabytes.
_SIZE = {
    "max_connections": "40",
    "superuser_reserved_connections": "3",
    "shared_buffers": "'32MB'",
    "work_mem": "'4MB'",
    "maintenance_work_mem": "'32MB'",
    "wal_buffers": "'1MB'",
    "min_wal_size": "'48MB'",
    "max_wal_size": "'256MB'",
    "max_worker_processes": "4",
    "max_parallel_workers": "0",
    "max_parallel_workers_per_gather": "0",
    "max_logical_replication_workers": "0",
    "autovacuum_max_workers": "2",
    "huge_pages": "off",
    "jit": "off",
    "track_activity_query_size": "'100B'",
}

# Durable: a commit that was confirmed is on the disk.
_DURABLE = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_level": "replica",
    "restart_after_crash": "off",  # the supervisor starts a new server: one that is told to stop in its re-start hangs
    "data_sync_retry": "off",
}


def write_config(folder: Path, sockets: Path, major: int, names: Iterable[str], extra: Mapping[str, str]) -> Path:
    """Write the three files into ``folder`` (ours, readable by the server) and return the main one.

    ``names``: who may connect, by the operating system's word (peer), through the socket only. ``extra`` wins; its
    values are already quoted; it is for backup settings and for tests.
    """
    hba, ident, main = folder / "pg_hba.conf", folder / "pg_ident.conf", folder / "postgresql.conf"
    settings = {
        "hba_file": quoted(hba),
        "ident_file": quoted(ident),
        "listen_addresses": "''",
        "unix_socket_directories": quoted(sockets),
        "unix_socket_permissions": "0700",
        "port": str(PORT),
        "timezone": "'UTC'",
        "log_timezone": "'UTC'",
        "password_encryption": "'scram-sha-256'",
        "row_security": "on",
        **_SIZE,
        **_DURABLE,
        **_SILENCE,
    }
    if major >= 17:
        settings["allow_alter_system"] = "off"
    if major >= 18:
        settings["io_method"] = "sync"  # saves three resident workers
    settings.update(extra)
    head = "# Written by Smalt at every start.\n"
    write_whole(hba, head + "local all all peer map=smalt\n", 0o644)
    write_whole(ident, head + "".join(f'smalt "{n}" {role}\n' for n in names for role in LOGIN_ROLES), 0o644)
    write_whole(main, head + "".join(f"{name} = {value}\n" for name, value in settings.items()), 0o644)
    return main


def quoted(path: Path) -> str:
    """A path as a value of the configuration file."""
    return "'" + str(path).replace("'", "''") + "'"
