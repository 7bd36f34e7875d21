//! The command `data info`.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use softnce_data::fetch::{Registry, SetKind, data_folder};
use softnce_data::info::{InfoError, contact_sheet, describe, write_png};
use softnce_data::sets::{self, BadPictures, Decoding, Layout, SetError, Split};
use softnce_terminal::{FAILED, USAGE, fail, say, tell};

use super::args::InfoArguments;
use super::list::{self, Part};
use super::text;

pub fn run(arguments: &InfoArguments) -> ExitCode {
    let (folder, layout) = match find(arguments) {
        Ok(found) => found,
        Err(error) => return fail(error.as_ref(), USAGE),
    };
    let parts = match open(arguments, &folder, layout) {
        Ok(parts) => parts,
        Err(error) => return fail(&error, USAGE),
    };
    match show(arguments, &folder, layout, &parts) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let is_usage = error.downcast_ref::<InfoError>().is_some_and(InfoError::is_usage);
            fail(error.as_ref(), if is_usage { USAGE } else { FAILED })
        }
    }
}

/// The folder that is meant, and its layout.
fn find(arguments: &InfoArguments) -> Result<(PathBuf, Layout), Box<dyn Error>> {
    let (path, registry) = (&arguments.path, Registry::known());
    // With --data, the path is one that a recipe gives. Without it, a path from the working folder comes first.
    let here = arguments.data.is_none() && sets::exists(path);
    let named = || Layout::ALL.into_iter().find(|layout| path == Path::new(layout.name()) && !here);
    if let Some(embedded) = arguments.layout.or_else(named).filter(|layout| layout.origin().is_some()) {
        return Ok((path.clone(), embedded));
    }
    if let Some(layout) = arguments.layout
        && let Some(embedded) = named()
        && embedded.origin().is_some()
    {
        return Err(
            format!("{embedded} is a set in the program, with its own layout; leave out --layout {layout}").into()
        );
    }
    let data = data_folder(arguments.data.as_ref());
    let found = registry.folder(&data, path);
    let folder = if here { path.clone() } else { found.clone()? };
    if let Some(other) = found.ok().filter(|other| here && !same(other, path)) {
        tell!("note: a recipe with this path reads {}; to describe that, add --data DIR", other.display());
    }
    if let Some(set) = registry.set_of(path).filter(|_| !here) {
        let instead = match &set.kind {
            SetKind::Pictures(_) => None,
            SetKind::Labels { pictures } => {
                Some(format!("labels for the pictures of {pictures}, which a recipe names in data.train_labels"))
            }
            SetKind::Graph => Some("a graph, for `softnce-experiments graphs`".to_owned()),
            SetKind::Weights => Some("weights to start training from".to_owned()),
        };
        if let Some(instead) = instead {
            return Err(format!("{}: {} holds {instead}; expected pictures", folder.display(), set.name).into());
        }
    }
    let completed = |error: SetError| match registry.completion(&data, path, &folder).filter(|_| !here) {
        Some(remedy) => format!("{error}; {remedy}").into(),
        None => Box::<dyn Error>::from(error),
    };
    let layout = arguments.layout.map_or_else(|| Layout::detect(&folder).map_err(completed), Ok)?;
    Ok((folder, layout))
}

fn same(one: &Path, other: &Path) -> bool {
    one.canonicalize().is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
}

fn show(
    arguments: &InfoArguments,
    folder: &Path,
    layout: Layout,
    parts: &[(Split, Part)],
) -> Result<(), Box<dyn Error>> {
    if arguments.list {
        return Ok(list::print(folder, parts)?);
    }
    let at_most = Some(arguments.at_most).filter(|_| !arguments.all);
    if let Some(features) = parts[0].1.features() {
        say!("{}, laid out as {layout}\n", folder.display());
        say!("{}", text::features(parts, features));
        return Ok(());
    }
    let (mut figures, mut bad) = (Vec::new(), Vec::new());
    for (split, source) in parts {
        match describe(source.as_ref(), at_most) {
            Ok(info) => figures.push((*split, info)),
            Err(InfoError::Bad(found)) => bad.push(found),
            Err(error) => return Err(error.into()),
        }
    }
    if !bad.is_empty() {
        let checked = bad.iter().map(|found| found.checked).sum();
        let bad = BadPictures { pictures: bad.into_iter().flat_map(|found| found.pictures).collect(), checked };
        return Err(if arguments.all { bad.complete().into() } else { bad.into() });
    }
    say!("{}, laid out as {layout}\n", folder.display());
    say!("{}", text::figures(&figures));
    let (shown, first) = &parts[0];
    let sheet = contact_sheet(first.as_ref(), arguments.columns, arguments.rows, arguments.seed)?;
    write_png(&arguments.sheet, &sheet)?;
    say!("\nContact sheet of the {shown} part, by class: {}", arguments.sheet.display());
    Ok(())
}

/// The parts that are asked for, or all that the set has; at least one.
fn open(arguments: &InfoArguments, folder: &Path, layout: Layout) -> Result<Vec<(Split, Part)>, SetError> {
    let decoding = Decoding { exif_orientation: arguments.exif_orientation, max_pixels: arguments.max_pixels };
    let splits = arguments.split.map_or_else(|| layout.parts().to_vec(), |split| vec![split]);
    let (mut parts, mut absent) = (Vec::new(), Vec::new());
    for split in splits {
        match layout.open_with(folder, split, decoding) {
            Ok(source) => parts.push((split, source)),
            // A set may lack a part; that is said, not passed over.
            Err(error @ (SetError::Missing { .. } | SetError::NoPart { .. })) => absent.push((split, error)),
            Err(error) => return Err(error),
        }
    }
    if parts.is_empty() {
        return Err(absent.remove(0).1);
    }
    for (split, error) in absent {
        match error {
            // Few sets have three parts.
            SetError::NoPart { .. } if split == Split::Validation => {}
            SetError::NoPart { .. } => tell!("note: {error}"),
            error => tell!("note: no {split} part: {error}"),
        }
    }
    for warning in parts.iter().flat_map(|(_, source)| source.warnings()) {
        tell!("warning: {warning}");
    }
    Ok(parts)
}
