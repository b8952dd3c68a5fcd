//! Files that appear whole or not at all.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::NamedTempFile;

use crate::context::Context;
use crate::error::{Error, Result};

/// Temporary files of this process, for the end by Ctrl-C.
static TEMPORARIES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Whether a path stands for standard input or output.
pub(crate) fn is_standard(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Refuses, before long work, a path whose folder is missing or that is a folder itself, and a path named twice.
pub(crate) fn check(paths: &[&Path]) -> Result<()> {
    for (i, path) in paths.iter().enumerate() {
        if paths[..i].contains(path) {
            return Err(Error::usage(format!(
                "{} is named for two outputs; give each its own file",
                path.display()
            )));
        }
        if is_standard(path) {
            continue;
        }
        if path.is_dir() {
            return Err(is_directory(path));
        }
        let folder = folder_of(path);
        if let Err(e) = fs::metadata(folder) {
            return Err(unwritable(path, &e));
        }
        if !folder.is_dir() {
            return Err(unwritable(path, &io::Error::from(ErrorKind::NotADirectory)));
        }
    }
    Ok(())
}

/// Writes text to standard output; a reader who has gone is [`Error::BrokenPipe`].
pub(crate) fn say(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|e| unwritable(Path::new("-"), &e))
}

/// Writes one file by way of a temporary file beside it; `-` is standard output.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut all = Outputs::default();
    all.add(path, bytes)?;
    all.commit()
}

/// The same after Ctrl-C, too, and on the disk before it has its name: for what must not be lost.
#[cfg(feature = "learn")]
pub(crate) fn keep(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut all = Outputs::default();
    all.add(path, bytes)?;
    for (staged, target) in &all.staged {
        let synced = staged.0.as_ref().map(|file| file.as_file().sync_all());
        synced
            .unwrap_or(Ok(()))
            .map_err(|e| unwritable(target, &e))?;
    }
    all.place()
}

/// Several files that appear together: all are written before the first gets its name.
#[derive(Debug, Default)]
pub(crate) struct Outputs {
    staged: Vec<(Staged, PathBuf)>,
    direct: Vec<(PathBuf, Vec<u8>)>,
}

/// A temporary file that knows to leave the list when it goes.
#[derive(Debug)]
struct Staged(Option<NamedTempFile>);

impl Outputs {
    /// Stages one file.
    pub(crate) fn add(&mut self, path: &Path, bytes: &[u8]) -> Result<()> {
        if is_standard(path) {
            self.direct.push((path.to_owned(), bytes.to_vec()));
            return Ok(());
        }
        // A link keeps pointing where it points: its target is what is replaced.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let old = fs::metadata(&target).ok();
        if let Some(old) = &old {
            if old.is_dir() {
                return Err(is_directory(path));
            }
            if !old.is_file() {
                // A device or a pipe cannot be replaced, only written to.
                self.direct.push((path.to_owned(), bytes.to_vec()));
                return Ok(());
            }
        }
        let staged = Staged::new(&target, old.map(|m| m.permissions()), bytes)
            .map_err(|e| unwritable(path, &e))?;
        self.staged.push((staged, target));
        Ok(())
    }

    /// Gives every file its name.
    pub(crate) fn commit(self) -> Result<()> {
        Context::check()?;
        self.place()
    }

    fn place(self) -> Result<()> {
        for (path, bytes) in &self.direct {
            let result = if is_standard(path) {
                let mut out = io::stdout().lock();
                out.write_all(bytes).and_then(|()| out.flush())
            } else {
                fs::OpenOptions::new()
                    .write(true)
                    .open(path)
                    .and_then(|mut file| file.write_all(bytes))
            };
            result.map_err(|e| unwritable(path, &e))?;
        }
        for (staged, target) in self.staged {
            staged.rename(&target)?;
        }
        Ok(())
    }
}

impl Staged {
    fn new(target: &Path, permissions: Option<Permissions>, bytes: &[u8]) -> io::Result<Self> {
        let folder = folder_of(target);
        // What could not be overwritten is not to be replaced either.
        if permissions.as_ref().is_some_and(Permissions::readonly) {
            return Err(io::Error::from(ErrorKind::PermissionDenied));
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(".locality-");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // As any other new file, so that the umask decides.
            builder.permissions(Permissions::from_mode(0o666));
        }
        let mut staged = {
            let mut list = temporaries();
            let file = builder.tempfile_in(folder)?;
            list.push(file.path().to_owned());
            Self(Some(file))
        };
        if let Some(file) = staged.0.as_mut() {
            if let Some(permissions) = permissions {
                file.as_file().set_permissions(permissions)?;
            }
            file.write_all(bytes)?;
            file.flush()?;
        }
        Ok(staged)
    }

    fn rename(mut self, target: &Path) -> Result<()> {
        let Some(file) = self.0.take() else {
            return Ok(());
        };
        // Under the lock, so that Ctrl-C finds the file either temporary or in place.
        let mut list = temporaries();
        list.retain(|p| p != file.path());
        file.persist(target)
            .map(drop)
            .map_err(|e| unwritable(target, &e.error))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if let Some(file) = self.0.take() {
            let mut list = temporaries();
            list.retain(|p| p != file.path());
            drop(file);
        }
    }
}

fn temporaries() -> MutexGuard<'static, Vec<PathBuf>> {
    TEMPORARIES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes every temporary file and keeps new ones from coming: the last thing before the process ends.
pub(crate) fn discard_temporaries() {
    let list = temporaries();
    for path in list.iter() {
        let _ = fs::remove_file(path);
    }
    std::mem::forget(list);
}

/// The folder of a file.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn is_directory(path: &Path) -> Error {
    Error::data(format!(
        "cannot write {}: it is a directory; name a file",
        path.display()
    ))
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    if error.kind() == ErrorKind::BrokenPipe {
        return Error::BrokenPipe;
    }
    let (name, remedy) = (path.display(), remedy(path, error));
    if is_standard(path) {
        return Error::data(format!("cannot write to standard output: {error}"));
    }
    Error::data(format!("cannot write {name}: {remedy}"))
}

fn remedy(path: &Path, error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() && !folder.exists() => format!(
                "the folder {} does not exist; create it first",
                folder.display()
            ),
            _ => error.to_string(),
        },
        ErrorKind::PermissionDenied => {
            "permission denied; choose another place or change its rights".to_owned()
        }
        ErrorKind::StorageFull => "the disk is full; make room or choose another place".to_owned(),
        ErrorKind::NotADirectory => {
            "a part of its path is a file, not a folder; choose another place".to_owned()
        }
        _ => error.to_string(),
    }
}
