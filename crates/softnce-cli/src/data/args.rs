//! The options of the command `data`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use softnce_data::fetch::{FetchError, KnownSet, Registry};
use softnce_data::sets::{Decoding, Layout, Split};

#[derive(Debug, Args)]
pub struct DataArguments {
    #[command(subcommand)]
    pub command: DataCommand,
}

#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// Download data sets to the data folder, and print the folder of each.
    ///
    /// Continues an interrupted download, and checks the checksum before the set is put in place. Uses the proxy of
    /// HTTPS_PROXY or HTTP_PROXY. The built-in recipes and the studies find the sets there.
    Fetch(FetchArguments),
    /// Describe a data set, and write a contact sheet of its pictures.
    Info(InfoArguments),
}

#[derive(Debug, Args)]
pub struct FetchArguments {
    #[arg(value_name = "NAME", value_parser = find, required = true, help = set_help())]
    pub sets: Vec<KnownSet>,
    /// Data folder [default: $SOFTNCE_DATA, or softnce in the user's cache folder].
    #[arg(long, value_name = "DIR", alias = "cache")]
    pub data: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct InfoArguments {
    /// Folder of the set: a path from the working folder, or what a recipe gives as data.path, such as the name of a
    /// downloaded set. `optdigits` is built in.
    pub path: PathBuf,
    /// Data folder, in which the set is looked for as `train` does [default: $SOFTNCE_DATA, or the folder that `softnce data
    /// fetch` fills].
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Layout of the folder [default: detected].
    #[arg(long, value_parser = layouts())]
    pub layout: Option<Layout>,
    /// Split to describe [default: all].
    #[arg(long, value_parser = parts())]
    pub split: Option<Split>,
    /// Pictures to decode in each split for the table of sizes.
    #[arg(long, value_name = "PICTURES", default_value = "2000")]
    pub at_most: NonZeroUsize,
    /// Decode every picture: exact sizes, and all damaged files are listed.
    #[arg(long, conflicts_with = "at_most")]
    pub all: bool,
    /// Print the pictures with their classes instead, as CSV, in the order of the rows of label files.
    #[arg(long, conflicts_with_all = ["all", "at_most"])]
    pub list: bool,
    /// Turn pictures as the camera noted, as data.exif_orientation does.
    #[arg(long)]
    pub exif_orientation: bool,
    /// Most pixels of a picture, as data.max_pixels.
    #[arg(long, value_name = "PIXELS", default_value_t = Decoding::MAX_PIXELS)]
    pub max_pixels: u64,
    /// PNG file for the contact sheet.
    #[arg(long, value_name = "FILE", default_value = "contact-sheet.png")]
    pub sheet: PathBuf,
    /// Columns of the sheet.
    #[arg(long, default_value_t = 16)]
    pub columns: usize,
    /// Rows of the sheet.
    #[arg(long, default_value_t = 10)]
    pub rows: usize,
    /// Seed that draws the pictures of the sheet.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

/// The set of a name.
fn find(name: &str) -> Result<KnownSet, FetchError> {
    Registry::known().find(name).cloned()
}

/// The help of the argument that names data sets.
fn set_help() -> String {
    let names: Vec<&str> = Registry::known().sets().iter().map(|set| set.name.as_str()).collect();
    match names.split_last() {
        Some((last, rest)) => format!("Data sets: {} or {last}", rest.join(", ")),
        None => "Data sets".to_owned(),
    }
}

/// Takes the name of a layout; the help lists all with their titles.
fn layouts() -> impl TypedValueParser<Value = Layout> {
    let known = Layout::ALL.map(|layout| PossibleValue::new(layout.name()).help(layout.title()));
    PossibleValuesParser::new(known).try_map(|name| name.parse::<Layout>())
}

/// Takes the name of a part of a set.
pub fn parts() -> impl TypedValueParser<Value = Split> {
    let aliases = |split: Split| if split == Split::Validation { &["val", "valid"][..] } else { &[] };
    PossibleValuesParser::new(Split::ALL.map(|split| PossibleValue::new(split.name()).aliases(aliases(split))))
        .try_map(|name| name.parse::<Split>().map_err(|error| error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_names_every_set_and_layout() {
        let fetch = FetchArguments::augment_args(clap::Command::new("fetch")).render_long_help().to_string();
        let info = InfoArguments::augment_args(clap::Command::new("info")).render_long_help().to_string();
        for set in Registry::known().sets() {
            assert!(fetch.contains(&set.name), "{} in {fetch}", set.name);
        }
        assert!(
            set_help().starts_with("Data sets: mnist, fashion-mnist, ") && set_help().ends_with(" or mae-vit-base")
        );
        // Lines are broken where they are long.
        let words = info.split_whitespace().collect::<Vec<_>>().join(" ");
        for layout in softnce_data::sets::Layout::ALL {
            assert!(words.contains(&format!("- {layout}: {}", layout.title())), "{layout} in {info}");
        }
    }
}
