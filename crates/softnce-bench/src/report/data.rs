//! The measurements as data: `results.json` and `results.csv`.

use std::io;

use crate::{BenchError, Measurement};

/// A list with an object for each measurement. Every number reads back as the one that was measured.
///
/// # Errors
/// None is known; the format's own are passed on.
pub fn json(measurements: &[Measurement]) -> Result<String, BenchError> {
    Ok(serde_json::to_string_pretty(measurements)? + "\n")
}

/// A row for each measurement, under the names of [`Measurement`]'s fields; what is not known leaves its field empty.
/// Every number reads back as the one that was measured.
///
/// # Errors
/// None is known; the format's own are passed on.
pub fn csv(measurements: &[Measurement]) -> Result<String, BenchError> {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    for measurement in measurements {
        writer.serialize(measurement)?;
    }
    let bytes = writer.into_inner().map_err(|error| ::csv::Error::from(error.into_error()))?;
    let text = String::from_utf8(bytes).map_err(|error| ::csv::Error::from(io::Error::other(error)))?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    fn measurements() -> Vec<Measurement> {
        let mut measurements = fixture::whole().measurements;
        (measurements[0].extra_bytes, measurements[0].median_ms) = (None, 0.1 + 0.2);
        measurements
    }

    #[test]
    fn rows_read_back_as_the_measurements() {
        let text = csv(&measurements()).unwrap();
        let mut reader = ::csv::Reader::from_reader(text.as_bytes());
        let read: Vec<Measurement> = reader.deserialize().map(Result::unwrap).collect();
        assert_eq!(read, measurements());
        let head = "n,m,d,features,threads,path,median_ms,min_ms,lower_quartile_ms,upper_quartile_ms,max_ms,samples,\
                    extra_bytes";
        assert_eq!(text.lines().next(), Some(head));
    }

    #[test]
    fn the_list_reads_back_and_has_the_keys_that_others_read() {
        let text = json(&measurements()).unwrap();
        assert_eq!(serde_json::from_str::<Vec<Measurement>>(&text).unwrap(), measurements());
        let list: Vec<serde_json::Map<String, serde_json::Value>> = serde_json::from_str(&text).unwrap();
        for key in ["n", "m", "d", "path", "median_ms", "min_ms", "extra_bytes"] {
            assert!(list.iter().all(|entry| entry.contains_key(key)), "{key}");
        }
        assert_eq!(list[0]["path"], "reference");
        assert_eq!(json(&[]).unwrap(), "[]\n");
    }
}
