//! The options of the command `data`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use softnce_data::fetch::{self, KnownSet};
use softnce_data::sets::{Decoding, Layout, Split};

#[derive(Debug, Args)]
pub struct DataArguments {
    #[command(subcommand)]
    pub command: DataCommand,
}

#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// Download a data set to the cache folder, and print its folder.
    ///
    /// Continues an interrupted download, and checks the checksum before the set is put in place. Uses the proxy of
    /// HTTPS_PROXY or HTTP_PROXY.
    Fetch(FetchArguments),
    /// Describe a data set, and write a contact sheet of its pictures.
    Info(InfoArguments),
}

#[derive(Debug, Args)]
pub struct FetchArguments {
    #[arg(value_name = "NAME", value_parser = fetch::find, help = set_help())]
    pub set: KnownSet,
    /// Cache folder [default: $SOFTNCE_DATA, or softnce in the user's cache folder].
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct InfoArguments {
    /// Folder of the set, or name of a downloaded or built-in set.
    pub path: PathBuf,
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

/// The help of the argument that names a data set.
fn set_help() -> String {
    let names: Vec<String> = fetch::known().into_iter().map(|set| set.name).collect();
    match names.split_last() {
        Some((last, rest)) => format!("Data set: {} or {last}", rest.join(", ")),
        None => "Data set".to_owned(),
    }
}

/// Takes the name of a layout; the help lists all with their titles.
fn layouts() -> impl TypedValueParser<Value = Layout> {
    let known = Layout::ALL.map(|layout| PossibleValue::new(layout.name()).help(layout.title()));
    PossibleValuesParser::new(known).try_map(|name| name.parse::<Layout>())
}

/// Takes the name of a part of a set.
fn parts() -> impl TypedValueParser<Value = Split> {
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
        for set in softnce_data::fetch::known() {
            assert!(fetch.contains(&set.name), "{} in {fetch}", set.name);
        }
        assert_eq!(set_help(), "Data set: mnist, fashion-mnist, cifar-10, cifar-100, cifar-10h or tiny-imagenet");
        // Lines are broken where they are long.
        let words = info.split_whitespace().collect::<Vec<_>>().join(" ");
        for layout in softnce_data::sets::Layout::ALL {
            assert!(words.contains(&format!("- {layout}: {}", layout.title())), "{layout} in {info}");
        }
    }
}
