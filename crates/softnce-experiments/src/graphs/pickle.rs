//! A reader of the pickles in which the Planetoid graphs are published: protocol 2 of Python 2, with matrices of SciPy and
//! arrays of NumPy.
//!
//! It builds plain values and never calls anything. A class or function that is not in [`CLASSES`], and an opcode that
//! those files do not have, are errors. Crates that read pickles drop the type of an array's numbers.

use std::ops::Range;

/// A value, by its place in [`Pickle::values`].
pub(super) type Id = usize;

/// A value of a pickle.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// `None`, `True`, `False`: nothing that the graphs need.
    Other,
    Int(i64),
    /// A string of bytes, by its place in the file.
    Bytes(Range<usize>),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// A class or function, by its place in [`CLASSES`].
    Class(usize),
    /// What a class or function was called with, and the state that the object was given.
    Object {
        class: Id,
        arguments: Id,
        state: Option<Id>,
    },
}

/// The classes and functions that may occur: module and name.
pub(super) const CLASSES: [(&str, &str); 6] = [
    ("scipy.sparse.csr", "csr_matrix"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("collections", "defaultdict"),
    ("__builtin__", "list"),
];

/// A pickle that was read.
#[derive(Debug)]
pub(super) struct Pickle<'b> {
    bytes: &'b [u8],
    values: Vec<Value>,
    top: Id,
}

impl<'b> Pickle<'b> {
    /// Reads a whole file.
    ///
    /// # Errors
    /// Where, what was found, what was expected.
    pub(super) fn read(bytes: &'b [u8]) -> Result<Self, String> {
        let mut reader =
            Reader { bytes, at: 0, values: Vec::new(), stack: Vec::new(), marks: Vec::new(), memo: Vec::new() };
        if reader.take(2)? != [PROTO, 2] {
            return Err("byte 0: not the start of a pickle of protocol 2".to_owned());
        }
        while reader.step()? {}
        let top = reader.pop()?;
        Ok(Pickle { bytes, values: reader.values, top })
    }

    /// The value of the file.
    pub(super) fn top(&self) -> Id {
        self.top
    }

    /// A value. Every [`Id`] in a value is that of a value.
    pub(super) fn get(&self, id: Id) -> &Value {
        &self.values[id]
    }

    /// The bytes of a string.
    pub(super) fn bytes(&self, id: Id) -> Option<&'b [u8]> {
        match self.get(id) {
            Value::Bytes(range) => self.bytes.get(range.clone()),
            _ => None,
        }
    }

    /// The number of a value.
    pub(super) fn int(&self, id: Id) -> Option<i64> {
        match self.get(id) {
            Value::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The items of a tuple or a list; none for any other value.
    pub(super) fn items(&self, id: Id) -> &[Id] {
        match self.get(id) {
            Value::Tuple(items) | Value::List(items) => items,
            _ => &[],
        }
    }

    /// The name of the class or function that made a value, with what it was called with and its state.
    pub(super) fn object(&self, id: Id) -> Option<(&'static str, Id, Option<Id>)> {
        let Value::Object { class, arguments, state } = *self.get(id) else { return None };
        let Value::Class(class) = *self.get(class) else { return None };
        Some((CLASSES[class].1, arguments, state))
    }
}

const PROTO: u8 = 0x80;

/// The machine that a pickle is a program for.
struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
    values: Vec<Value>,
    stack: Vec<Id>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: Vec<Option<Id>>,
}

impl<'b> Reader<'b> {
    /// Carries out one opcode; `false` at the end. The names of the opcodes are those of Python's `pickletools`.
    fn step(&mut self) -> Result<bool, String> {
        let place = self.at;
        let code = self.take(1)?[0];
        match code {
            // STOP
            b'.' => return Ok(false),
            // NONE, NEWTRUE, NEWFALSE
            b'N' | 0x88 | 0x89 => self.push(Value::Other),
            // BININT1
            b'K' => self.int(1)?,
            // BININT2
            b'M' => self.int(2)?,
            // BININT
            b'J' => self.int(4)?,
            // SHORT_BINSTRING
            b'U' => self.string(1)?,
            // BINSTRING
            b'T' => self.string(4)?,
            // GLOBAL
            b'c' => self.class(place)?,
            // MARK
            b'(' => self.marks.push(self.stack.len()),
            // EMPTY_TUPLE
            b')' => self.push(Value::Tuple(Vec::new())),
            // EMPTY_LIST
            b']' => self.push(Value::List(Vec::new())),
            // EMPTY_DICT
            b'}' => self.push(Value::Dict(Vec::new())),
            // TUPLE1, TUPLE2, TUPLE3
            0x85..=0x87 => {
                let items = self.last(usize::from(code - 0x84))?;
                self.push(Value::Tuple(items));
            }
            // TUPLE
            b't' => {
                let items = self.marked()?;
                self.push(Value::Tuple(items));
            }
            // APPEND
            b'a' => {
                let items = self.last(1)?;
                self.extend(&items)?;
            }
            // APPENDS
            b'e' => {
                let items = self.marked()?;
                self.extend(&items)?;
            }
            // SETITEM
            b's' => {
                let items = self.last(2)?;
                self.insert(&items)?;
            }
            // SETITEMS
            b'u' => {
                let items = self.marked()?;
                self.insert(&items)?;
            }
            // REDUCE, NEWOBJ
            b'R' | 0x81 => {
                let (arguments, class) = (self.pop()?, self.pop()?);
                self.push(match self.values[class] {
                    // One without its function, which makes the values of absent keys.
                    Value::Class(class) if CLASSES[class].1 == "defaultdict" => Value::Dict(Vec::new()),
                    _ => Value::Object { class, arguments, state: None },
                });
            }
            // BUILD
            b'b' => {
                let given = self.pop()?;
                match self.top()? {
                    Value::Object { state, .. } => *state = Some(given),
                    other => return Err(format!("byte {place}: state for {other:?}; expected an object")),
                }
            }
            // BINPUT
            b'q' => self.remember(1)?,
            // LONG_BINPUT
            b'r' => self.remember(4)?,
            // BINGET
            b'h' => self.recall(1)?,
            // LONG_BINGET
            b'j' => self.recall(4)?,
            _ => return Err(format!("byte {place}: opcode {code:#04x}; expected one of those of the published files")),
        }
        Ok(true)
    }

    fn take(&mut self, count: usize) -> Result<&'b [u8], String> {
        let taken = self.bytes.get(self.at..).and_then(|rest| rest.get(..count));
        let taken = taken.ok_or_else(|| format!("the file ends at byte {}, within a value", self.bytes.len()))?;
        self.at += count;
        Ok(taken)
    }

    /// A number of so many bytes, the lowest first; without a sign.
    fn number(&mut self, bytes: usize) -> Result<usize, String> {
        Ok(self.take(bytes)?.iter().rev().fold(0, |number, &byte| number << 8 | usize::from(byte)))
    }

    fn int(&mut self, bytes: usize) -> Result<(), String> {
        let number = self.number(bytes)? as i64;
        // That of four bytes has a sign.
        self.push(Value::Int(if bytes == 4 { i64::from(number as i32) } else { number }));
        Ok(())
    }

    fn string(&mut self, bytes: usize) -> Result<(), String> {
        let length = self.number(bytes)?;
        let start = self.at;
        self.take(length)?;
        self.push(Value::Bytes(start..self.at));
        Ok(())
    }

    fn class(&mut self, place: usize) -> Result<(), String> {
        let (module, name) = (self.line()?, self.line()?);
        let known = CLASSES.iter().position(|known| (known.0.as_bytes(), known.1.as_bytes()) == (module, name));
        let text = String::from_utf8_lossy;
        let known = known.ok_or_else(|| {
            let names = CLASSES.map(|(module, name)| format!("{module}.{name}")).join(", ");
            format!("byte {place}: {}.{}; expected one of {names}", text(module), text(name))
        })?;
        self.push(Value::Class(known));
        Ok(())
    }

    fn line(&mut self) -> Result<&'b [u8], String> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
        let line = self.take(length)?;
        self.take(1)?;
        Ok(line)
    }

    fn push(&mut self, value: Value) {
        self.stack.push(self.values.len());
        self.values.push(value);
    }

    fn pop(&mut self) -> Result<Id, String> {
        self.last(1).map(|one| one[0])
    }

    fn top(&mut self) -> Result<&mut Value, String> {
        let top = self.stack.last().map(|&id| &mut self.values[id]);
        top.ok_or_else(|| format!("byte {}: a value is used that is not there", self.at))
    }

    /// Takes so many values from the stack, down to the last mark at most.
    fn last(&mut self, count: usize) -> Result<Vec<Id>, String> {
        let floor = self.marks.last().copied().unwrap_or(0);
        let start = self.stack.len().checked_sub(count).filter(|&start| start >= floor);
        let start = start.ok_or_else(|| format!("byte {}: a value is used that is not there", self.at))?;
        Ok(self.stack.split_off(start))
    }

    /// Takes the values above the last mark.
    fn marked(&mut self) -> Result<Vec<Id>, String> {
        let mark = self.marks.pop().ok_or_else(|| format!("byte {}: there is no mark", self.at))?;
        Ok(self.stack.split_off(mark))
    }

    fn extend(&mut self, items: &[Id]) -> Result<(), String> {
        let at = self.at;
        match self.top()? {
            Value::List(list) => list.extend(items),
            other => return Err(format!("byte {at}: items for {other:?}; expected a list")),
        }
        Ok(())
    }

    fn insert(&mut self, items: &[Id]) -> Result<(), String> {
        let at = self.at;
        match self.top()? {
            Value::Dict(pairs) if items.len().is_multiple_of(2) => {
                pairs.extend(items.chunks_exact(2).map(|pair| (pair[0], pair[1])));
            }
            Value::Dict(_) => return Err(format!("byte {at}: a key without a value")),
            other => return Err(format!("byte {at}: items for {other:?}; expected a dictionary")),
        }
        Ok(())
    }

    fn remember(&mut self, bytes: usize) -> Result<(), String> {
        let name = self.number(bytes)?;
        // Each name costs two bytes of the file or more: larger ones are wrong and would take memory.
        if name > self.bytes.len() {
            return Err(format!("byte {}: name {name} for a value; expected small numbers", self.at));
        }
        let top = *self.stack.last().ok_or_else(|| format!("byte {}: there is no value", self.at))?;
        if self.memo.len() <= name {
            self.memo.resize(name + 1, None);
        }
        self.memo[name] = Some(top);
        Ok(())
    }

    fn recall(&mut self, bytes: usize) -> Result<(), String> {
        let name = self.number(bytes)?;
        let found = self.memo.get(name).copied().flatten();
        self.stack.push(found.ok_or_else(|| format!("byte {}: no value has the name {name}", self.at))?);
        Ok(())
    }
}
