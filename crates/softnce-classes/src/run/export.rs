//! The trained rows as a file that other programs read.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use softnce_rows::{CurrentRows, Element, RowStore, RowsError, StoredRows, write_safetensors};
use softnce_store::{CHECKSUM, UNSEALED};

use super::build::Parts;
use crate::ClassesError;
use crate::model::Encoder;
use crate::recipe::{ClassesRecipe, EncoderSection};

/// Writes class weights, biases and embeddings, with what is needed to use them, to a safetensors file, atomically.
pub(super) fn export(
    recipe: &ClassesRecipe,
    parts: &Parts,
    store: &RowStore,
    step: u64,
    path: &Path,
) -> Result<(), ClassesError> {
    let weights = parts.head.table.current(store)?;
    let biases = parts.head.bias.as_ref().map(|table| table.current(store)).transpose()?.map(Vector);
    let embeddings = parts.encoder.table().map(|table| table.current(store)).transpose()?;
    let mut tensors: Vec<(&str, &dyn StoredRows)> = vec![("head.weight", &weights)];
    tensors.extend(biases.as_ref().map(|biases| ("head.bias", biases as &dyn StoredRows)));
    tensors.extend(embeddings.as_ref().map(|embeddings| ("embeddings.weight", embeddings as &dyn StoredRows)));
    Ok(write_safetensors(path, &tensors, &metadata(recipe, parts, step))?)
}

fn metadata(recipe: &ClassesRecipe, parts: &Parts, step: u64) -> BTreeMap<String, String> {
    let mut entries = vec![
        (CHECKSUM, UNSEALED.to_owned()),
        ("softnce", env!("CARGO_PKG_VERSION").to_owned()),
        ("name", recipe.name.clone()),
        ("step", step.to_string()),
        ("temperature", parts.head.temperature.value().to_string()),
        ("normalise", parts.head.normalise.to_string()),
    ];
    if let (Encoder::Bag(_), EncoderSection::Bag { pooling, activation, .. }) = (&parts.encoder, &recipe.encoder) {
        // As the recipe writes them.
        let word = |value: serde_json::Result<serde_json::Value>| {
            value.ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
        };
        entries.push(("pooling", word(serde_json::to_value(pooling))));
        entries.push(("activation", word(serde_json::to_value(activation))));
    }
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// Rows of one value, written without their width: `[d]`, as the biases of linear layers elsewhere.
struct Vector<'t>(CurrentRows<'t>);

impl StoredRows for Vector<'_> {
    fn shape(&self) -> Vec<usize> {
        self.0.shape().into_iter().take(1).collect()
    }

    fn element(&self) -> Element {
        self.0.element()
    }

    fn bytes<'b>(&'b self, rows: Range<usize>, buffer: &'b mut Vec<u8>) -> Result<&'b [u8], RowsError> {
        self.0.bytes(rows, buffer)
    }
}
