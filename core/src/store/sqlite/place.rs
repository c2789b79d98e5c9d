//! The file, and the machine that it lies on.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
    thread,
    time::{Duration, Instant, UNIX_EPOCH},
};

use once_cell::sync::OnceCell;
use rusqlite::{Connection, ErrorCode};

use super::{failed, schema};
use crate::{Error, Kind, Result};

/// Opens and migrates a store's file; makes it where there is none.
pub(super) fn open(path: &Path) -> Result<Connection> {
    // SQLite gives its journal files the mode of the database, so the mode is set before it looks.
    fs::OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(|error| {
            Error::new(Kind::Store, "the store cannot be opened").with_source(error)
        })?;
    let mut connection = Connection::open(path).map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.busy_timeout(PATIENCE).map_err(failed)?;
    write_ahead(&connection).map_err(failed)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(failed)?;
    connection.pragma_update(None, "secure_delete", true).map_err(failed)?;
    schema::migrate(&mut connection)?;
    Ok(connection)
}

/// How long another process may hold the file.
const PATIENCE: Duration = Duration::from_secs(10);

/// SQLite does not wait for others by itself while it changes the journal's mode.
fn write_ahead(connection: &Connection) -> rusqlite::Result<()> {
    let until = Instant::now() + PATIENCE;
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && Instant::now() < until =>
            {
                thread::sleep(Duration::from_millis(20));
            }
            done => return done,
        }
    }
}

/// Locks and write-ahead logs do not work across machines: two of them would spend one token.
pub(super) fn refuse_network(path: &Path) -> Result<()> {
    match on_network(path) {
        None => Ok(()),
        Some(name) => Err(Error::new(Kind::Store, "the store lies on a network file system")
            .with("store", path.display().to_string())
            .with("file_system", name)
            .advise(
                "Put the file on a local disk, or use PostgreSQL to share grants between machines.",
            )),
    }
}

/// The network file system that `path` lies on, or would: the folders of a new one need not be there.
pub(crate) fn on_network(path: &Path) -> Option<&'static str> {
    let folder = path.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("."));
    network_file_system(rustix::fs::statfs(folder).ok()?.f_type as u64)
}

/// By the numbers that Linux gives file systems (statfs(2)).
fn network_file_system(magic: u64) -> Option<&'static str> {
    match magic & 0xFFFF_FFFF {
        0x6969 => Some("nfs"),
        0x517B | 0xFE53_4D42 => Some("smb"),
        0xFF53_4D42 => Some("cifs"),
        0x5346_414F | 0x6B41_4653 => Some("afs"),
        0x7375_7245 => Some("coda"),
        0x0102_1997 => Some("9p"),
        0x00C3_6400 => Some("ceph"),
        0x0BD0_0BD0 => Some("lustre"),
        0x0116_1970 => Some("gfs2"),
        _ => None,
    }
}

/// Which boot this is; the same text all the time where the system does not say.
pub(super) fn boot_id() -> &'static str {
    static BOOT: OnceCell<String> = OnceCell::new();
    BOOT.get_or_init(|| first_line("/proc/sys/kernel/random/boot_id").unwrap_or_default())
}

/// Which file on which machine this is, as far as the system says. A copy is another file: it has
/// another number, or was made at another time.
pub(super) fn installation(path: &Path) -> Option<String> {
    let file = fs::metadata(path).ok()?;
    let made = file.created().ok().and_then(|made| made.duration_since(UNIX_EPOCH).ok());
    let made = made.map_or(0, |made| made.as_nanos());
    let machine = first_line("/etc/machine-id").or_else(|| first_line("/var/lib/dbus/machine-id"));
    Some(format!("{}:{}:{made}", machine.unwrap_or_default(), file.ino()))
}

fn first_line(path: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().next().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty())
}

/// Makes a new name in the folder of `path` durable.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_told_from_local_ones() {
        for magic in [0x6969, 0x517B, 0xFE53_4D42, 0xFF53_4D42, 0xFFFF_FFFF_FF53_4D42] {
            assert!(network_file_system(magic).is_some(), "{magic:x}");
        }
        // ext4, btrfs, xfs, tmpfs, zfs, overlay.
        for magic in [0xEF53, 0x9123_683E, 0x5846_5342, 0x0102_1994, 0x2FC1_2FC1, 0x794C_7630] {
            assert_eq!(network_file_system(magic), None, "{magic:x}");
        }
        let folder = tempfile::tempdir().unwrap();
        refuse_network(&folder.path().join("a/b/grants.db")).unwrap();
    }
}
