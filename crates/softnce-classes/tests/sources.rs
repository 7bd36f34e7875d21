//! Every kind of data that a recipe can name: it is read, a training learns from it, and what is wrong is named.

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use softnce_classes::ClassesError;
use softnce_classes::data::{Example, Inputs, Minibatch};
use softnce_classes::recipe::ClassesRecipe;
use softnce_classes::run::{ClassesData, ClassesRun, Outcome, RunResults};

const COMMON: &str = r#"
name = "test"
[optimizer]
kind = "adagrad"
learning_rate = 0.5
[schedule]
steps = 80
[training]
batch_size = 32
[evaluation]
every = 80
k = [1]
"#;

const BAG: &str = "[encoder]\nkind = \"bag\"\nwidth = 16\n";

fn recipe(data: &str, encoder: &str) -> Result<ClassesRecipe, ClassesError> {
    ClassesRecipe::from_table("test", toml::from_str(&format!("{COMMON}{encoder}{data}")).unwrap())
}

fn train(recipe: &ClassesRecipe, folder: &Path) -> RunResults {
    let runs = tempfile::tempdir().unwrap();
    let data = ClassesData::open(&recipe.data, folder).unwrap();
    let mut run = ClassesRun::open(recipe.clone(), data, &runs.path().join("run")).unwrap();
    match run.train(&AtomicBool::new(false), &()).unwrap() {
        Outcome::Finished(results) => *results,
        Outcome::Interrupted { steps } => panic!("stopped after {steps} steps"),
    }
}

/// Trains and expects that most test rows are classified right.
fn learns(data: &str, encoder: &str, folder: &Path) -> RunResults {
    let results = train(&recipe(data, encoder).unwrap(), folder);
    let precision = results.history.last().unwrap().ranking.at[0].precision;
    assert!(precision > 0.9, "{data}: {precision}");
    results
}

fn message(data: &str, folder: &Path) -> String {
    let opened = recipe(data, BAG).and_then(|recipe| ClassesData::open(&recipe.data, folder).map(drop));
    opened.unwrap_err().to_string()
}

#[test]
fn labelled_text() {
    let folder = tempfile::tempdir().unwrap();
    let line = |row: usize| match row % 4 {
        0 => format!("__label__cat the cat sat {row}\n"),
        1 => format!("__label__dog a dog ran {row}\n"),
        2 => format!("__label__bird __label__song a bird sings {row}\n"),
        _ => format!("no label {row}\n"),
    };
    fs::write(folder.path().join("train.txt"), (0..400).map(line).collect::<String>()).unwrap();
    fs::write(folder.path().join("test.txt"), (400..440).filter(|row| row % 4 != 3).map(line).collect::<String>())
        .unwrap();
    let data = "[data]\nkind = \"labelled-text\"\ntrain = \"train.txt\"\ntest = \"test.txt\"\n";
    let options = "options = { buckets = 5000, ngrams = 1 }\n";
    let results = learns(&format!("{data}{options}"), BAG, folder.path());
    assert_eq!((results.train_rows, results.classes), (300, 4));
    assert_eq!(
        message(&format!("{data}options = {{ ngrams = 0 }}\n"), folder.path()),
        "data.options.ngrams is 0, expected a number from 1 on"
    );
    assert!(message(&data.replace("test.txt", "none.txt"), folder.path()).contains("none.txt"));
}

#[test]
fn sparse_text_whose_test_file_lacks_the_last_inputs() {
    let folder = tempfile::tempdir().unwrap();
    let line = |row: usize| format!("{} {}:1 5:0.1\n", row % 4, row % 4);
    fs::write(folder.path().join("train.txt"), format!("{}0 9:1\n", (0..400).map(line).collect::<String>())).unwrap();
    fs::write(folder.path().join("test.txt"), (0..40).map(line).collect::<String>()).unwrap();
    let data = "[data]\nkind = \"sparse-text\"\ntrain = \"train.txt\"\ntest = \"test.txt\"\n";
    assert_eq!(learns(data, BAG, folder.path()).classes, 4);
    fs::write(folder.path().join("test.txt"), "0 1:1\n0 10:1\n").unwrap();
    let found = message(data, folder.path());
    assert!(found.contains("test.txt, line 2, column 3"), "{found}");
}

#[test]
fn features() {
    // A file in NumPy's format, version 1.
    fn npy(kind: &str, shape: &str, bytes: Vec<u8>) -> Vec<u8> {
        let header = format!("{{'descr': '<{kind}', 'fortran_order': False, 'shape': {shape}, }}\n");
        [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), &bytes].concat()
    }
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("rows")).unwrap();
    for (part, rows) in [("train", 200_i64), ("validation", 20), ("test", 40)] {
        let one_hot = (0..rows).flat_map(|row| (0..4).map(move |column| if column == row % 4 { 1_f32 } else { 0.0 }));
        let features = npy("f4", &format!("({rows}, 4)"), one_hot.flat_map(f32::to_le_bytes).collect());
        let labels = npy("i8", &format!("({rows},)"), (0..rows).flat_map(|row| (row % 4).to_le_bytes()).collect());
        fs::write(folder.path().join(format!("rows/{part}.npy")), features).unwrap();
        fs::write(folder.path().join(format!("rows/{part}_labels.npy")), labels).unwrap();
    }
    let data = "[data]\nkind = \"features\"\npath = \"rows\"\n";
    let results = learns(data, "", folder.path());
    assert_eq!(results.history.last().unwrap().ranking.examples, 40);
    let results = learns(&format!("{data}part = \"validation\"\n"), "", folder.path());
    assert_eq!(results.history.last().unwrap().ranking.examples, 20);
    assert!(message(&data.replace("rows", "none"), folder.path()).contains("none"));
}

const NEXT_WORD: &str = r#"
[data]
kind = "next-word"
text = ["text"]
corpus = { block = 50, test_share = 0.1, validation_share = 0.1 }
"#;

fn text() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("text")).unwrap();
    fs::write(folder.path().join("text/b.txt"), "one two three four five\n".repeat(200)).unwrap();
    fs::write(folder.path().join("text/a.txt"), "red green blue\n".repeat(200)).unwrap();
    fs::write(folder.path().join("text/notes"), b"\xff no text").unwrap();
    folder
}

#[test]
fn the_next_word_with_hard_and_soft_labels() {
    let folder = text();
    let results = learns(NEXT_WORD, BAG, folder.path());
    assert_eq!(results.classes, 9);
    let soft = format!("{NEXT_WORD}words = {{ trigram = 0.5, context = 2, positions = true, soft_words = 3 }}\n");
    let results = learns(&soft, BAG, folder.path());
    assert!(results.history.last().unwrap().nll < 1.0);
    let data = ClassesData::open(&recipe(&soft, BAG).unwrap().data, folder.path()).unwrap();
    assert_eq!(data.train.inputs(), Inputs::Sparse { inputs: 18 });
    // Soft labels to learn from, hard ones to evaluate on.
    let batch = Minibatch::read(&data.train, &(0..20).collect::<Vec<_>>()).unwrap();
    assert!((0..20).any(|row| batch.label(row).0.len() > 1));
    let mut example = Example::default();
    data.test.read(0, &mut example).unwrap();
    assert_eq!(example.weights, [1.0]);
    // The mass is that of the labels: there are fewer than it is estimated from.
    let rows: Vec<usize> = (0..data.train.len()).collect();
    let (all, mut mass) = (Minibatch::read(&data.train, &rows).unwrap(), vec![0.0; 9]);
    for row in rows {
        let (classes, weights) = all.label(row);
        classes.iter().zip(weights).for_each(|(&class, weight)| mass[class as usize] += weight);
    }
    assert!(data.mass.iter().zip(&mass).all(|(one, other)| (one - other).abs() < 1e-9), "{:?} {mass:?}", data.mass);
}

#[test]
fn bad_texts_are_named() {
    let folder = text();
    fs::create_dir(folder.path().join("empty")).unwrap();
    for (from, to, expected) in [
        ("[\"text\"]", "[]", "data.text is [], expected files and folders of text"),
        ("[\"text\"]", "[\"empty\"]", "empty: no files *.txt; expected at least one"),
        ("[\"text\"]", "[\"text\", \"text/a.txt\"]", "a.txt, expected each file once"),
        ("[\"text\"]", "[\"none\"]", "none: "),
        ("[\"text\"]", "[\"text/notes\"]", "notes, line 1, column 1: bytes that are not UTF-8"),
        ("block = 50", "block = 1", "data.corpus.block is 1, expected a number from 2 on"),
        ("block = 50", "block = 10_000_000", "data.corpus.block is 10000000, for 1600 words in 2 blocks, expected"),
        ("0.1 }", "0.1 }\nwords = { context = 0 }", "data.words.context is 0, expected a number from 1"),
        ("test_share = 0.1", "test_share = 0.0", "data.part is test, expected a part with at least two words"),
        ("0.1 }", "0.1 }\nlambda = 2", "unknown field `lambda`"),
    ] {
        let found = message(&NEXT_WORD.replace(from, to), folder.path());
        assert!(found.contains(expected), "{found}");
    }
    let generated = "[data]\nkind = \"generated\"\nrows = { classes = 0 }\n";
    assert!(message(generated, folder.path()).starts_with("data.rows.classes is 0, expected a number from 1 to"));
    let generated = "[data]\nkind = \"generated\"\ntest_rows = 0\n";
    assert_eq!(message(generated, folder.path()), "data.test_rows is 0, expected at least 1");
}
