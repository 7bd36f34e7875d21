//! The stack machine of pickles; the operations are those of Python's `pickletools`.

use std::io::BufRead;

use super::stack::{Machine, misplaced};
use super::{Arena, Input, Node, Value};

/// Reads one pickle, from its first byte to its `STOP`.
///
/// # Errors
/// In words: what is wrong with the file.
pub(in super::super) fn load<R: BufRead>(input: &mut Input<R>, arena: &mut Arena) -> Result<Value, String> {
    let mut machine = Machine::new(arena);
    loop {
        let at = input.position;
        let code = input.byte()?;
        let placed = |reason: String| {
            if reason.is_empty() {
                format!("byte {at} of its pickle (0x{code:02x}) is no pickle operation there")
            } else {
                reason
            }
        };
        if code == b'.' {
            return machine.pop().map_err(placed);
        }
        machine.step(code, input).map_err(placed)?;
    }
}

impl Machine<'_> {
    fn step<R: BufRead>(&mut self, code: u8, input: &mut Input<R>) -> Result<(), String> {
        match code {
            // PROTO, FRAME.
            0x80 => drop(input.byte()?),
            0x95 => drop(input.number::<8>()?),
            b'(' => self.mark()?,
            b'0' => drop(self.pop()?),
            b'1' => drop(self.above_mark()?),
            b'2' => self.push(self.top()?)?,
            b'N' => self.push(Value::None)?,
            0x88 => self.push(Value::Bool(true))?,
            0x89 => self.push(Value::Bool(false))?,
            b'J' => self.push(Value::Int(i64::from(i32::from_le_bytes(input.array()?))))?,
            b'K' => self.push(Value::Int(i64::from(input.byte()?)))?,
            b'M' => self.push(Value::Int(input.number::<2>()? as i64))?,
            b'I' | b'L' => {
                let line = input.line()?;
                self.push(whole(line.as_deref()))?;
            }
            0x8a => {
                let length = input.number::<1>()?;
                self.long(input, length)?;
            }
            0x8b => {
                let length = input.number::<4>()?;
                self.long(input, length)?;
            }
            b'F' => {
                input.line()?;
                self.push(Value::Other)?;
            }
            b'G' => {
                input.array::<8>()?;
                self.push(Value::Other)?;
            }
            b'S' | b'V' => {
                let line = input.line()?;
                let text = line.as_deref().map(|line| if code == b'S' { line.trim_matches(['\'', '"']) } else { line });
                self.text(text)?;
            }
            // Texts and bytes by the size of their length.
            b'U' | b'C' | 0x8c => self.counted::<1, R>(input)?,
            b'T' | b'B' | b'X' => self.counted::<4, R>(input)?,
            0x8d | 0x8e | 0x96 => self.counted::<8, R>(input)?,
            b')' => self.sequence(Vec::new())?,
            0x85..=0x87 => {
                let values = self.last(usize::from(code - 0x84))?;
                self.sequence(values)?;
            }
            b']' | 0x8f => self.sequence(Vec::new())?,
            b't' | b'l' | 0x91 => {
                let values = self.above_mark()?;
                self.sequence(values)?;
            }
            b'}' => self.call(Value::None, Value::None)?,
            b'd' => {
                let values = self.above_mark()?;
                self.call(Value::None, Value::None)?;
                self.set_items(&values)?;
            }
            b's' => {
                let pair = self.last(2)?;
                self.set_items(&pair)?;
            }
            b'u' => {
                let values = self.above_mark()?;
                self.set_items(&values)?;
            }
            b'a' => {
                let value = self.pop()?;
                self.append(&[value])?;
            }
            b'e' | 0x90 => {
                let values = self.above_mark()?;
                self.append(&values)?;
            }
            b'c' => {
                let (module, name) = (input.line()?, input.line()?);
                self.global(module.as_deref(), name.as_deref())?;
            }
            0x93 => {
                let pair = self.last(2)?;
                let [module, name] = [pair[0], pair[1]].map(|value| self.arena.text(value).map(str::to_owned));
                self.global(module.as_deref(), name.as_deref())?;
            }
            // Codes of Python's extension registry.
            0x82 => drop((input.number::<1>()?, self.push(Value::Other)?)),
            0x83 => drop((input.number::<2>()?, self.push(Value::Other)?)),
            0x84 => drop((input.number::<4>()?, self.push(Value::Other)?)),
            b'R' | 0x81 => {
                let pair = self.last(2)?;
                self.call(pair[0], pair[1])?;
            }
            0x92 => {
                let three = self.last(3)?;
                self.call(three[0], three[1])?;
            }
            b'i' => {
                let (module, name) = (input.line()?, input.line()?);
                let values = self.above_mark()?;
                self.global(module.as_deref(), name.as_deref())?;
                self.sequence(values)?;
                let pair = self.last(2)?;
                self.call(pair[0], pair[1])?;
            }
            b'o' => {
                let mut values = self.above_mark()?;
                if values.is_empty() {
                    return Err(misplaced());
                }
                let class = values.remove(0);
                self.sequence(values)?;
                let arguments = self.pop()?;
                self.call(class, arguments)?;
            }
            b'b' => {
                let value = self.pop()?;
                let target = self.top()?;
                if let Some(Node::Object(object)) = self.arena.node_mut(target) {
                    object.state = value;
                }
            }
            b'P' => {
                let line = input.line()?;
                self.text(line.as_deref())?;
                self.persistent()?;
            }
            b'Q' => self.persistent()?,
            b'p' => {
                let line = input.line()?;
                let index = line.and_then(|line| line.trim().parse().ok()).ok_or_else(misplaced)?;
                self.remember(index)?;
            }
            b'q' => self.remember(input.number::<1>()?)?,
            b'r' => self.remember(input.number::<4>()?)?,
            0x94 => self.remember(self.memo_length())?,
            b'g' => {
                let line = input.line()?;
                let index = line.and_then(|line| line.trim().parse().ok()).ok_or_else(misplaced)?;
                self.recall(index)?;
            }
            b'h' => self.recall(input.number::<1>()?)?,
            b'j' => self.recall(input.number::<4>()?)?,
            // A buffer outside the pickle, and its mark as read-only.
            0x97 => self.push(Value::Other)?,
            0x98 => {}
            _ => return Err(misplaced()),
        }
        Ok(())
    }
}

/// The number of a line such as `12`, `12L` or `01`, which stands for `True`.
fn whole(line: Option<&str>) -> Value {
    match line.map(str::trim) {
        Some("00") => Value::Bool(false),
        Some("01") => Value::Bool(true),
        Some(line) => line.trim_end_matches('L').parse().map_or(Value::Other, Value::Int),
        None => Value::Other,
    }
}
