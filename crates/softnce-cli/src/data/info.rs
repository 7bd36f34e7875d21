//! The command `data info`.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use softnce_data::fetch;
use softnce_data::info::{contact_sheet, describe, write_png};
use softnce_data::sets::{Layout, SetError};
use softnce_terminal::{FAILED, USAGE, fail, say, tell};

use super::args::InfoArguments;
use super::text;

pub fn run(arguments: &InfoArguments) -> ExitCode {
    let (folder, layout) = match find(arguments) {
        Ok(found) => found,
        Err(error) => return fail(&error, USAGE),
    };
    match show(arguments, &folder, layout) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(error.as_ref(), FAILED),
    }
}

/// The folder that is meant, and its layout.
fn find(arguments: &InfoArguments) -> Result<(PathBuf, Layout), SetError> {
    let path = &arguments.path;
    let named = || Layout::ALL.into_iter().find(|layout| path == Path::new(layout.name()) && !path.exists());
    if let Some(embedded) = arguments.layout.or_else(named).filter(|layout| layout.origin().is_some()) {
        return Ok((path.clone(), embedded));
    }
    let folder = fetched(path).unwrap_or_else(|| path.clone());
    let layout = arguments.layout.map_or_else(|| Layout::detect(&folder), Ok)?;
    Ok((folder, layout))
}

/// The folder of a fetched set of this name, unless the path itself is there.
fn fetched(path: &Path) -> Option<PathBuf> {
    let set = fetch::find(path.to_str().filter(|_| !path.exists())?).ok()?;
    Some(fetch::cache_folder().ok()?.join(set.name)).filter(|folder| folder.is_dir())
}

fn show(arguments: &InfoArguments, folder: &Path, layout: Layout) -> Result<(), Box<dyn Error>> {
    let splits = arguments.split.map_or_else(|| layout.parts().to_vec(), |split| vec![split]);
    let (mut parts, mut absent) = (Vec::new(), None);
    for split in splits {
        match layout.open(folder, split) {
            Ok(source) => parts.push((split, source)),
            // A set may have one part only; that is said, not passed over.
            Err(error @ SetError::Missing { .. }) if arguments.split.is_none() && absent.is_none() => {
                absent = Some((split, error));
            }
            Err(error) => return Err(error.into()),
        }
    }
    let Some((shown, first)) = parts.first() else {
        return Err(absent.map_or_else(|| "no part".into(), |(_, error)| error.into()));
    };
    if let Some((split, error)) = &absent {
        tell!("note: no {split} part: {error}");
    }
    let at_most = Some(arguments.at_most).filter(|_| !arguments.all);
    let mut figures = Vec::new();
    for (split, source) in &parts {
        figures.push((*split, describe(source.as_ref(), at_most)?));
    }
    say!("{}, laid out as {layout}\n", folder.display());
    say!("{}", text::figures(&figures));
    let sheet = contact_sheet(first.as_ref(), arguments.columns, arguments.rows, arguments.seed)?;
    write_png(&arguments.sheet, &sheet)?;
    say!("\nContact sheet of the {shown} part, by class: {}", arguments.sheet.display());
    Ok(())
}
