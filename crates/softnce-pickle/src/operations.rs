//! The operations of pickles; their names are those of Python's `pickletools`.

use std::io::BufRead;

use super::machine::Machine;
use super::{Arena, Input, Node, Value};

/// Reads one pickle, up to and including its `STOP`, and returns its value. The input may hold another pickle behind it.
///
/// # Errors
/// In words: the byte and what is wrong there.
pub fn load<R: BufRead>(input: &mut Input<R>, arena: &mut Arena) -> Result<Value, String> {
    let mut machine = Machine::new(arena);
    loop {
        let at = input.position();
        let done = input.byte().and_then(|code| machine.step(code, input).map(|()| code == STOP));
        if done.map_err(|reason| format!("byte {at} of its pickle: {reason}"))? {
            return machine.pop();
        }
    }
}

const STOP: u8 = b'.';

impl Machine<'_> {
    fn step<R: BufRead>(&mut self, code: u8, input: &mut Input<R>) -> Result<(), String> {
        match code {
            // The value stays on the stack for `load`.
            STOP => self.top().map(drop),
            // PROTO, FRAME
            0x80 => input.skip(1),
            0x95 => input.skip(8),
            // MARK, POP, POP_MARK, DUP
            b'(' => self.mark(),
            b'0' => self.pop().map(drop),
            b'1' => self.above_mark().map(drop),
            b'2' => {
                let top = self.top()?;
                self.push(top)
            }
            // NONE, NEWTRUE, NEWFALSE
            b'N' => self.push(Value::None),
            0x88 => self.push(Value::Bool(true)),
            0x89 => self.push(Value::Bool(false)),
            // BININT, BININT1, BININT2, INT and LONG, LONG1, LONG4
            b'J' => self.push(Value::Int(i64::from(i32::from_le_bytes(input.array()?)))),
            b'K' => self.push(Value::Int(i64::from(input.byte()?))),
            b'M' => self.push(Value::Int(input.number::<2>()? as i64)),
            b'I' | b'L' => {
                let line = input.line()?;
                self.push(integer(line.as_deref()))
            }
            0x8a => self.long::<1, R>(input),
            0x8b => self.long::<4, R>(input),
            // FLOAT, BINFLOAT
            b'F' => {
                input.line()?;
                self.push(Value::Other)
            }
            b'G' => {
                input.skip(8)?;
                self.push(Value::Other)
            }
            // STRING, UNICODE
            b'S' | b'V' => {
                let line = input.line()?;
                self.bytes(unquoted(line, code == b'S'))
            }
            // Strings and bytes, by the size of their length: SHORT_BINSTRING, SHORT_BINBYTES, SHORT_BINUNICODE;
            // BINSTRING, BINBYTES, BINUNICODE; BINUNICODE8, BINBYTES8, BYTEARRAY8
            b'U' | b'C' | 0x8c => self.counted::<1, R>(input),
            b'T' | b'B' | b'X' => self.counted::<4, R>(input),
            0x8d | 0x8e | 0x96 => self.counted::<8, R>(input),
            // EMPTY_TUPLE, EMPTY_LIST, EMPTY_SET
            b')' | b']' | 0x8f => self.sequence(Vec::new()),
            // TUPLE1, TUPLE2, TUPLE3
            0x85 => {
                let values = self.last::<1>()?;
                self.sequence(values.into())
            }
            0x86 => {
                let values = self.last::<2>()?;
                self.sequence(values.into())
            }
            0x87 => {
                let values = self.last::<3>()?;
                self.sequence(values.into())
            }
            // TUPLE, LIST, FROZENSET
            b't' | b'l' | 0x91 => {
                let values = self.above_mark()?;
                self.sequence(values)
            }
            // EMPTY_DICT, DICT, SETITEM, SETITEMS
            b'}' => self.call(Value::None, Value::None),
            b'd' => {
                let values = self.above_mark()?;
                self.call(Value::None, Value::None)?;
                self.set_items(&values)
            }
            b's' => {
                let pair = self.last::<2>()?;
                self.set_items(&pair)
            }
            b'u' => {
                let values = self.above_mark()?;
                self.set_items(&values)
            }
            // APPEND, APPENDS and ADDITEMS
            b'a' => {
                let value = self.pop()?;
                self.append(&[value])
            }
            b'e' | 0x90 => {
                let values = self.above_mark()?;
                self.append(&values)
            }
            // GLOBAL, STACK_GLOBAL
            b'c' => {
                let (module, name) = (input.line()?, input.line()?);
                self.global(module.as_deref(), name.as_deref())
            }
            0x93 => {
                let [module, name] = self.last()?.map(|value| self.arena.text(value).map(str::to_owned));
                self.global(module.as_deref(), name.as_deref())
            }
            // EXT1, EXT2, EXT4: codes of Python's extension registry
            0x82..=0x84 => {
                input.skip(1 << (code - 0x82))?;
                self.push(Value::Other)
            }
            // REDUCE and NEWOBJ, NEWOBJ_EX
            b'R' | 0x81 => {
                let [callable, arguments] = self.last()?;
                self.call(callable, arguments)
            }
            0x92 => {
                let [class, arguments, _] = self.last()?;
                self.call(class, arguments)
            }
            // INST, OBJ
            b'i' => {
                let (module, name) = (input.line()?, input.line()?);
                let values = self.above_mark()?;
                self.global(module.as_deref(), name.as_deref())?;
                self.sequence(values)?;
                let [class, arguments] = self.last()?;
                self.call(class, arguments)
            }
            b'o' => {
                let values = self.above_mark()?;
                let (&class, arguments) = values.split_first().ok_or("an object has no class")?;
                self.sequence(arguments.to_vec())?;
                let arguments = self.pop()?;
                self.call(class, arguments)
            }
            // BUILD
            b'b' => {
                let state = self.pop()?;
                let target = self.top()?;
                if let Some(Node::Object(object)) = self.arena.node_mut(target) {
                    object.state = state;
                }
                Ok(())
            }
            // PERSID, BINPERSID
            b'P' => {
                let line = input.line()?;
                self.bytes(line.map(String::into_bytes))?;
                self.persistent()
            }
            b'Q' => self.persistent(),
            // PUT, BINPUT, LONG_BINPUT, MEMOIZE
            b'p' => {
                let index = index(input)?;
                self.remember(Some(index))
            }
            b'q' => {
                let index = input.number::<1>()?;
                self.remember(Some(index))
            }
            b'r' => {
                let index = input.number::<4>()?;
                self.remember(Some(index))
            }
            0x94 => self.remember(None),
            // GET, BINGET, LONG_BINGET
            b'g' => self.recall(index(input)?),
            b'h' => self.recall(input.number::<1>()?),
            b'j' => self.recall(input.number::<4>()?),
            // NEXT_BUFFER: a buffer outside the pickle; READONLY_BUFFER marks it as read-only
            0x97 => self.push(Value::Other),
            0x98 => Ok(()),
            _ => Err(format!("no operation has the code 0x{code:02x}")),
        }
    }
}

/// The value of a line such as `12` or `12L`; `00` and `01` are Booleans.
fn integer(line: Option<&str>) -> Value {
    match line.map(str::trim) {
        Some("00") => Value::Bool(false),
        Some("01") => Value::Bool(true),
        Some(line) => line.trim_end_matches('L').parse().map_or(Value::Other, Value::Int),
        None => Value::Other,
    }
}

/// The string of a line, without its quotes; `None` where it has escape sequences.
fn unquoted(line: Option<String>, quoted: bool) -> Option<Vec<u8>> {
    let line = line.filter(|line| !line.contains('\\'))?;
    Some(if quoted { line.trim_matches(['\'', '"']).into() } else { line.into() })
}

/// A number in the memo, in a line of its own.
fn index<R: BufRead>(input: &mut Input<R>) -> Result<u64, String> {
    let line = input.line()?.unwrap_or_default();
    line.trim().parse().map_err(|_| format!("{line:?} is not a number of the memo"))
}
