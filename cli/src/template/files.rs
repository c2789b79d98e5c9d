//! Files on the disk: all of a template, or none.

use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
};

use evergrant::{Error, Kind, Result};
use tempfile::{Builder, NamedTempFile};

/// Writes files into a folder, which is made if it is not there. Each is written beside its place first, so that
/// one that cannot be written leaves all others as they were.
///
/// # Errors
/// Names the file, the system's reason, and what to do.
pub(crate) fn write(
    folder: &Path,
    files: &[(&'static str, Vec<u8>)],
    replace: bool,
) -> Result<Vec<PathBuf>> {
    fs::create_dir_all(folder).map_err(|error| refused(folder, &error))?;
    let places: Vec<PathBuf> = files.iter().map(|(name, _)| folder.join(name)).collect();
    for place in &places {
        // A link that leads nowhere is there as well.
        match fs::symlink_metadata(place) {
            Ok(_) if !replace => return Err(taken(place)),
            Ok(there) if there.is_dir() => {
                return Err(refused(place, &io::ErrorKind::IsADirectory.into()));
            }
            _ => {}
        }
    }
    let mut beside = Vec::new();
    for ((_, content), place) in files.iter().zip(&places) {
        beside.push(written(folder, content).map_err(|error| refused(place, &error))?);
    }
    let mut done: Vec<&PathBuf> = Vec::new();
    for (file, place) in beside.into_iter().zip(&places) {
        let moved = if replace { file.persist(place) } else { file.persist_noclobber(place) };
        if let Err(failed) = moved {
            let error = match failed.error.kind() {
                io::ErrorKind::AlreadyExists => taken(place),
                _ => refused(place, &failed.error),
            };
            // What was not there before is taken away again; what was replaced is gone.
            if replace {
                let replaced: Vec<_> = done.iter().map(|new| new.display().to_string()).collect();
                return Err(if replaced.is_empty() {
                    error
                } else {
                    error.with("replaced already", replaced.join(", "))
                });
            }
            for new in done {
                let _ = fs::remove_file(new);
            }
            return Err(error);
        }
        done.push(place);
    }
    Ok(places)
}

fn written(folder: &Path, content: &[u8]) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(".evergrant-");
    // As any file that a person makes: there is no secret in it.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    Ok(file)
}

fn taken(place: &Path) -> Error {
    Error::invalid_input("output", "there is a file already")
        .with("file", place.display().to_string())
        .advise("Pass --force to replace it, or another folder as --output.")
}

fn refused(place: &Path, error: &io::Error) -> Error {
    let advice = match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "Pass a folder that you may write to as --output."
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "Make room on the disk.",
        _ => "Pass another folder as --output.",
    };
    Error::new(Kind::InvalidInput, "the file cannot be written")
        .with("field", "output")
        .with("file", place.display().to_string())
        .with("reason", error.to_string())
        .advise(advice)
}
