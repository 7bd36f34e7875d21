//! The command `predict`.

use std::process::ExitCode;
use std::sync::Arc;

use softnce_data::PictureSource;
use softnce_data::sets::unlabelled;
use softnce_store::CsvStream;
use softnce_terminal::{FAILED, interrupted, stop_on_signal, tell};
use softnce_train::runs::{Labelled, RunError, Scores, TrainedRun};

use super::args::PredictArguments;

pub fn run(arguments: &PredictArguments) -> Result<ExitCode, RunError> {
    let trained = TrainedRun::open(&arguments.run, arguments.place.device)?;
    let columns = Columns::new(arguments, trained.classes())?;
    let temperature = if arguments.scaled { trained.scaled_temperature()? } else { trained.temperature() };
    let pictures = pictures(arguments, &trained)?;
    let mut rows = arguments.out.as_deref().map_or_else(|| Ok(CsvStream::stdout()), CsvStream::file)?;
    let part = rows.part().map(|part| part.display().to_string());
    let (mut done, mut bad) = (0, 0);
    let written = rows.row(columns.head()).map_err(RunError::from).and_then(|()| {
        trained.predict(&pictures, temperature, &stop_on_signal(), |index, scores| {
            bad += usize::from(scores.is_err());
            rows.row(columns.row(pictures.pictures.describe(index), scores))?;
            done += 1;
            Ok(())
        })
    });
    match written {
        Ok(true) => rows.finish()?,
        other => {
            if let Some(part) = part {
                tell!("{part} has the rows of {done} of {} pictures", pictures.len());
            }
            return other.map(|_| interrupted());
        }
    }
    if bad > 0 {
        tell!("{bad} of {done} pictures cannot be read; the column error of their rows says why");
        return Ok(ExitCode::from(FAILED));
    }
    Ok(ExitCode::SUCCESS)
}

/// The split or the pictures that are named, or else the test pictures of the run.
fn pictures(arguments: &PredictArguments, trained: &TrainedRun) -> Result<Labelled, RunError> {
    if let Some(split) = arguments.split {
        return trained.open_split(split, arguments.place.data.as_deref());
    }
    if arguments.pictures.is_empty() {
        let data = trained.open_data(arguments.place.data.as_deref())?;
        data.notes().iter().for_each(|note| tell!("{note}"));
        return Ok(data.test);
    }
    if trained.takes_features() {
        let [file] = &arguments.pictures[..] else {
            let (argument, found) = ("the files to predict", arguments.pictures.len().to_string());
            let expected = "one file of rows of features, .npy or .safetensors".to_owned();
            return Err(RunError::Data { argument, found, expected });
        };
        return trained.rows(file);
    }
    let files = unlabelled(&arguments.pictures, trained.classes().to_vec())?;
    let files = files.with_decoding(trained.recipe().data.decoding());
    files.warnings().iter().for_each(|warning| tell!("warning: {warning}"));
    Ok(Labelled::new(Arc::new(files), None))
}

/// The columns of the table.
struct Columns<'a> {
    classes: &'a [String],
    /// The most probable classes to write; `None`: the first, without a number in the heads.
    top: Option<usize>,
    probabilities: bool,
    logits: bool,
}

impl<'a> Columns<'a> {
    fn new(arguments: &PredictArguments, classes: &'a [String]) -> Result<Self, RunError> {
        let PredictArguments { top, probabilities, logits, .. } = *arguments;
        if let Some(found) = top.filter(|top| !(1..=classes.len()).contains(top)) {
            let expected = format!("a number from 1 to {}, the number of classes", classes.len());
            return Err(RunError::Data { argument: "--top", found: found.to_string(), expected });
        }
        Ok(Columns { classes, top, probabilities, logits })
    }

    fn head(&self) -> Vec<String> {
        let mut head = vec!["picture".to_owned()];
        match self.top {
            None => head.extend(["class", "probability"].map(str::to_owned)),
            Some(top) => {
                head.extend((1..=top).flat_map(|rank| [format!("class_{rank}"), format!("probability_{rank}")]))
            }
        }
        if self.probabilities {
            head.extend(self.classes.iter().cloned());
        }
        if self.logits {
            head.extend(self.classes.iter().map(|class| format!("logit_{class}")));
        }
        head.push("error".to_owned());
        head
    }

    fn row(&self, picture: String, scores: Result<Scores<'_>, String>) -> Vec<String> {
        let mut row = vec![picture];
        let error = match scores {
            Ok(Scores { logits, posterior }) => {
                for class in largest(logits, self.top.unwrap_or(1)) {
                    row.extend([self.classes[class].clone(), number(posterior[class])]);
                }
                if self.probabilities {
                    row.extend(posterior.iter().map(|&value| number(value)));
                }
                if self.logits {
                    row.extend(logits.iter().map(f32::to_string));
                }
                String::new()
            }
            Err(reason) => {
                row.resize(self.head().len() - 1, String::new());
                reason
            }
        };
        row.push(error);
        row
    }
}

/// The classes of the largest logits, from the largest down; of equal ones the first.
fn largest(logits: &[f32], count: usize) -> Vec<usize> {
    let order = |one: &usize, other: &usize| logits[*other].total_cmp(&logits[*one]).then(one.cmp(other));
    let mut classes: Vec<usize> = (0..logits.len()).collect();
    if count < classes.len() {
        classes.select_nth_unstable_by(count, order);
        classes.truncate(count);
    }
    classes.sort_unstable_by(order);
    classes
}

/// A probability that reads back as it was; a very small one with an exponent.
fn number(value: f64) -> String {
    if value == 0.0 || value >= 1e-4 { value.to_string() } else { format!("{value:e}") }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_largest_come_first_and_of_equal_ones_the_first() {
        let logits = [1.0, 3.0, -1.0, 3.0, 2.0];
        assert_eq!(largest(&logits, 1), [1]);
        assert_eq!(largest(&logits, 3), [1, 3, 4]);
        assert_eq!(largest(&logits, 5), [1, 3, 4, 0, 2]);
    }

    #[test]
    fn every_row_has_the_fields_of_the_head() {
        let classes = ["a", "b, c"].map(str::to_owned);
        let scores = Scores { logits: &[0.0, 1.5], posterior: &[0.25, 0.75] };
        for (top, probabilities, logits) in [(None, false, false), (Some(1), true, false), (Some(2), true, true)] {
            let columns = Columns { classes: &classes, top, probabilities, logits };
            let (head, row) = (columns.head(), columns.row("x.png".into(), Ok(scores)));
            let bad = columns.row("y.png".into(), Err("cut off".into()));
            assert_eq!((row.len(), bad.len()), (head.len(), head.len()));
            assert_eq!((head.last().unwrap().as_str(), bad.last().unwrap().as_str()), ("error", "cut off"));
            assert_eq!(row[1..3], ["b, c", "0.75"]);
        }
        let columns = Columns { classes: &classes, top: Some(2), probabilities: true, logits: true };
        let head = [
            "picture",
            "class_1",
            "probability_1",
            "class_2",
            "probability_2",
            "a",
            "b, c",
            "logit_a",
            "logit_b, c",
            "error",
        ];
        assert_eq!(columns.head(), head);
        let row = ["x.png", "b, c", "0.75", "a", "0.25", "0.25", "0.75", "0", "1.5", ""];
        assert_eq!(columns.row("x.png".into(), Ok(scores)), row);
    }

    #[test]
    fn numbers_read_back() {
        for value in [0.0, 1.0, 0.1 + 0.2, 1e-4, 3.25e-17, f64::MIN_POSITIVE] {
            assert_eq!(number(value).parse::<f64>().unwrap(), value);
        }
        assert_eq!([number(0.5), number(2.5e-9)], ["0.5", "2.5e-9"]);
    }
}
