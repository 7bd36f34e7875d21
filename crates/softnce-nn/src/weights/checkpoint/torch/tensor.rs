//! Tensors in the values of a pickle.

use softnce_pickle::{Arena, Node, Value};

use super::super::element::{Element, size_of_other};
use super::super::layout::Layout;

/// A reference to numbers outside the pickle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Storage {
    pub(super) key: String,
    /// Its class in PyTorch, such as `torch.FloatStorage`.
    pub(super) class: String,
    /// How many numbers it has.
    pub(super) count: usize,
    /// Number of the storage at which a view of it starts.
    pub(super) offset: usize,
}

impl Storage {
    /// Bytes of one number.
    pub(super) fn item(&self) -> Option<usize> {
        Element::of_torch(&self.class).map(Element::size).or_else(|| size_of_other(&self.class))
    }
}

/// A view of a storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tensor {
    pub(super) storage: Storage,
    pub(super) shape: Vec<usize>,
    pub(super) strides: Vec<usize>,
    pub(super) offset: usize,
    /// The type of its numbers, where it is not that of the storage.
    pub(super) dtype: Option<String>,
}

impl Tensor {
    /// Where its numbers lie in a storage of this many bytes.
    ///
    /// # Errors
    /// In words that follow "is": what it is instead of a tensor of numbers.
    pub(super) fn layout(self, bytes: u64) -> Result<Layout, String> {
        let Tensor { storage, shape, strides, offset, dtype } = self;
        let name = dtype.as_ref().unwrap_or(&storage.class);
        let element = Element::of_torch(name).ok_or_else(|| format!("a tensor of type {name}"))?;
        let claimed = storage.count.checked_mul(storage.item().unwrap_or(1));
        let claimed = claimed.filter(|&claimed| claimed as u64 <= bytes).ok_or_else(|| {
            format!("in a storage of {bytes} bytes, expected {} numbers: the file is truncated", storage.count)
        })?;
        let stored = claimed / element.size();
        let offset = storage.offset.checked_add(offset).ok_or("a view beyond its storage")?;
        Layout::strided(element, shape, strides, offset, stored).map_err(|what| format!("a view {what}"))
    }
}

/// The tensor that a value stands for; `None` if it is something else, an error if it is a tensor without a strided
/// array of numbers. `outside` gives the tensors outside the pickle.
pub(super) fn tensor(
    arena: &Arena,
    value: Value,
    outside: &dyn Fn(Value) -> Option<Tensor>,
) -> Option<Result<Tensor, String>> {
    let (mut callable, mut arguments) = match arena.node(value)? {
        Node::Persistent(id) => return outside(*id).map(Ok),
        Node::Object(object) => (object.callable, object.arguments),
        _ => return None,
    };
    // Parameters and subclasses of tensors wrap the call that makes the tensor.
    for _ in 0..8 {
        let name = arena.global(callable)?;
        let values = arena.sequence(arguments).unwrap_or_default();
        let at = |index: usize| values.get(index).copied().unwrap_or(Value::None);
        match name {
            "torch._utils._rebuild_tensor" | "torch._utils._rebuild_tensor_v2" => {
                return Some(match arena.object(at(6)) {
                    Some(metadata) if !metadata.items.is_empty() => Err("a conjugated or negated view".to_owned()),
                    _ => view(arena, values, None),
                });
            }
            "torch._utils._rebuild_tensor_v3" => {
                let dtype = arena.global(at(6)).map(str::to_owned);
                return Some(dtype.ok_or_else(unknown).and_then(|dtype| view(arena, values, Some(dtype))));
            }
            "torch._utils._rebuild_parameter" | "torch._utils._rebuild_parameter_with_state" => match arena.node(at(0))
            {
                Some(Node::Persistent(id)) => return outside(*id).map(Ok),
                Some(Node::Object(object)) => (callable, arguments) = (object.callable, object.arguments),
                _ => return None,
            },
            "torch._tensor._rebuild_from_type"
            | "torch._tensor._rebuild_from_type_v2"
            | "torch.tensor._rebuild_from_type" => {
                (callable, arguments) = (at(0), at(2));
            }
            _ if name.starts_with("torch._utils._rebuild_") => {
                let kind = name.trim_start_matches("torch._utils._rebuild_").replace('_', " ");
                return Some(Err(format!("a {kind} of PyTorch")));
            }
            "numpy.core.multiarray._reconstruct" | "numpy._core.multiarray._reconstruct" => {
                return Some(Err("an array of NumPy".to_owned()));
            }
            _ => return None,
        }
    }
    None
}

/// Axes of a tensor; weights have five at most.
const MOST_AXES: usize = 16;
/// Length of the names of storages and their types. PyTorch's are short.
const LONGEST_NAME: usize = 80;

fn unknown() -> String {
    "a tensor without a valid storage, shape and strides".to_owned()
}

/// From the arguments storage, offset, shape, strides.
fn view(arena: &Arena, values: &[Value], dtype: Option<String>) -> Result<Tensor, String> {
    let &[stored, offset, shape, strides, ..] = values else { return Err(unknown()) };
    let Some(Node::Persistent(id)) = arena.node(stored) else { return Err(unknown()) };
    let storage = storage(arena, *id).ok_or_else(unknown)?;
    let axes = |value| arena.sequence(value).filter(|values| values.len() <= MOST_AXES);
    let lengths = |value| axes(value)?.iter().map(|value| value.size()).collect::<Option<Vec<usize>>>();
    let (shape, strides) = (lengths(shape).ok_or_else(unknown)?, lengths(strides).ok_or_else(unknown)?);
    Ok(Tensor { storage, shape, strides, offset: offset.size().ok_or_else(unknown)?, dtype })
}

/// The storage of a persistent id: `("storage", class, key, location, count)`, in old files with a view of it.
pub(super) fn storage(arena: &Arena, id: Value) -> Option<Storage> {
    let values = arena.sequence(id)?;
    let &[kind, class, key, _, count] = values.first_chunk()?;
    if arena.text(kind)? != "storage" {
        return None;
    }
    let offset = match values.get(5).and_then(|&view| arena.sequence(view)) {
        Some(view) => view.get(1)?.size()?,
        None => 0,
    };
    let (key, class) = (key_of(arena, key)?, arena.global(class)?.to_owned());
    (key.len().max(class.len()) <= LONGEST_NAME).then_some(())?;
    Some(Storage { key, class, count: count.size()?, offset })
}

/// A key as text; files hold texts or numbers.
pub(super) fn key_of(arena: &Arena, value: Value) -> Option<String> {
    match value {
        Value::Int(number) => Some(number.to_string()),
        _ => arena.text(value).map(str::to_owned),
    }
}
