#![allow(clippy::unwrap_used)]

use softnce_data::Picture;
use softnce_data::info::write_png;

use super::*;
use crate::recipe::BadPolicy;

fn write(folder: &Path, part: &str, class: &str, count: u8) {
    let folder = folder.join("set").join(part).join(class);
    std::fs::create_dir_all(&folder).unwrap();
    for number in 0..count {
        let picture = Picture { height: 1, width: 1, channels: 1, pixels: vec![number].into() };
        write_png(&folder.join(format!("{number}.png")), &picture).unwrap();
    }
}

#[test]
fn the_validation_part_of_a_set_is_used() {
    let folder = tempfile::tempdir().unwrap();
    for (part, count) in [("train", 8), ("valid", 3), ("test", 5)] {
        write(folder.path(), part, "ant", count);
        write(folder.path(), part, "bee", count);
    }
    let section = DataSection { path: Some("set".into()), validation_share: 0.25, ..DataSection::default() };
    let sizes = |section: &DataSection| {
        let data = RunData::open(section, folder.path()).unwrap();
        let validation = data.validation.as_ref();
        let first = validation.map(|part| part.pictures.describe(0)).unwrap_or_default();
        (data.train.len(), validation.map_or(0, Labelled::len), data.test.len(), first, data.notes().len())
    };
    let (train, validation, test, first, notes) = sizes(&section);
    assert_eq!((train, validation, test, notes), (16, 6, 10, 1));
    assert!(first.contains("valid"), "{first}");
    // The recipe may want none.
    let none = DataSection { validation_share: 0.0, ..section.clone() };
    assert_eq!(sizes(&none), (16, 0, 10, String::new(), 0));
    // Of two parts, the second is the one for testing.
    std::fs::remove_dir_all(folder.path().join("set/test")).unwrap();
    let (train, validation, test, first, notes) = sizes(&section);
    assert_eq!((train, validation, test, notes), (12, 4, 6, 0));
    assert!(first.contains("train"), "{first}");
    std::fs::remove_dir_all(folder.path().join("set/valid")).unwrap();
    let message = RunData::open(&section, folder.path()).unwrap_err().to_string();
    assert!(message.contains("no test part") && message.contains("data.test_share"), "{message}");
    let (train, validation, test, ..) = sizes(&DataSection { test_share: Some(0.25), ..section });
    assert_eq!((train, validation, test), (8, 4, 4));
}

#[test]
fn bad_pictures_are_left_out_on_request_and_label_rows_stay_with_their_pictures() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "train", "ant", 4);
    write(folder.path(), "train", "bee", 4);
    write(folder.path(), "val", "ant", 2);
    write(folder.path(), "val", "bee", 2);
    let set = folder.path().join("set");
    std::fs::write(set.join("train/ant/1.png"), "no picture").unwrap();
    std::fs::write(set.join("val/bee/0.png"), "").unwrap();
    let rows: String = (0..8).map(|row| format!("0.{row},0.{}\n", 9 - row)).collect();
    std::fs::write(set.join("labels.csv"), rows).unwrap();
    let section = DataSection {
        path: Some("set".into()),
        validation_share: 0.0,
        bad_pictures: BadPolicy::Skip,
        train_labels: Some(LabelSource::Csv { path: set.join("labels.csv") }),
        ..DataSection::default()
    };
    let data = RunData::open(&section, folder.path()).unwrap();
    assert_eq!((data.train.len(), data.test.len(), data.class_counts.clone()), (7, 3, vec![3, 4]));
    let rows = data.train.distributions.as_ref().unwrap();
    for (index, row) in rows.rows().into_iter().enumerate() {
        let original = if index == 0 { 0 } else { index + 1 };
        assert!((row[0] - original as f32 / 9.0).abs() < 1e-6, "row {index}: {row}");
    }
    let left_out = &data.findings.left_out;
    assert_eq!(left_out.count, 2);
    let names: Vec<bool> =
        left_out.pictures.iter().zip(["1.png", "0.png"]).map(|(bad, name)| bad.picture.ends_with(name)).collect();
    assert_eq!(names, [true, true]);
    assert_eq!(data.notes().len(), 2, "{:?}", data.notes());

    let section = DataSection { bad_pictures: BadPolicy::Error, ..section };
    let stop = std::sync::atomic::AtomicBool::new(false);
    let data = RunData::open(&section, folder.path()).unwrap();
    assert_eq!(data.train.len(), 8);
    let error = data.check_held_out(BadPolicy::Error, &stop).unwrap_err();
    assert!(!error.is_usage());
    let RunError::Pictures(bad) = error else { panic!("{error}") };
    // All of them, though only the test part was asked for.
    assert_eq!((bad.pictures.len(), bad.checked), (2, 12));
    // Once.
    data.check_held_out(BadPolicy::Error, &stop).unwrap();
}

#[test]
fn a_set_without_a_test_part_is_split_by_its_share() {
    let folder = tempfile::tempdir().unwrap();
    for class in ["ant", "bee"] {
        write(folder.path(), "", class, 20);
    }
    let section = DataSection { path: Some("set".into()), validation_share: 0.25, ..DataSection::default() };
    let message = RunData::open(&section, folder.path()).unwrap_err().to_string();
    assert!(message.contains("no test part") && message.contains("data.test_share"), "{message}");

    let section = DataSection { test_share: Some(0.2), ..section };
    let data = RunData::open(&section, folder.path()).unwrap();
    let validation = data.validation.as_ref().unwrap();
    assert_eq!((data.train.len(), validation.len(), data.test.len()), (24, 8, 8));
    assert_eq!(data.class_counts, [12, 12]);
    assert_eq!(data.train.pictures.class_names(), ["ant", "bee"]);
    // No picture is in two parts.
    let name = |part: &Labelled| (0..part.len()).map(|index| part.pictures.describe(index)).collect::<Vec<_>>();
    let mut all = [name(&data.train), name(validation), name(&data.test)].concat();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 40);
}

#[test]
fn splits_that_leave_nothing_are_refused_in_the_words_of_the_recipe() {
    let folder = tempfile::tempdir().unwrap();
    for (part, count) in [("train", 3), ("val", 2)] {
        write(folder.path(), part, "ant", count);
        write(folder.path(), part, "bee", count);
    }
    let section = DataSection { path: Some("set".into()), validation_share: 0.1, ..DataSection::default() };
    let refused = |section: &DataSection| {
        let error = RunData::open(section, folder.path()).unwrap_err();
        assert!(error.is_usage(), "{error}");
        error.to_string()
    };
    let none = |purpose: &str, key: &str, pictures: usize| {
        format!(
            "there are no pictures to {purpose} on: {key} = 0.1 of the pictures of each class, rounded, is none \
             ({pictures} pictures in all); a larger share or more pictures are needed"
        )
    };
    assert_eq!(refused(&section), none("validate", "data.validation_share", 6));
    let share = DataSection { validation_share: 0.0, test_share: Some(0.1), ..section.clone() };
    assert_eq!(refused(&share), none("test", "data.test_share", 6));

    let long_tail = DataSection { validation_share: 0.0, imbalance: Some(1000.0), ..section };
    assert_eq!(
        refused(&long_tail),
        "data.imbalance is 1000, expected at most 3: class \"bee\" would keep none of its 3 training pictures"
    );
    std::fs::create_dir(folder.path().join("set/train/cow")).unwrap();
    assert_eq!(
        refused(&long_tail),
        "data.imbalance is 1000, expected no value, because class \"cow\" has no training pictures"
    );

    let skip = DataSection { imbalance: None, bad_pictures: BadPolicy::Skip, ..long_tail };
    for file in ["val/ant/0.png", "val/ant/1.png", "val/bee/0.png", "val/bee/1.png"] {
        std::fs::write(folder.path().join("set").join(file), "no picture").unwrap();
    }
    assert_eq!(refused(&skip), "there are no pictures to test on: no picture of this part can be decoded");
}
