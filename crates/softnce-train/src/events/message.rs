//! The protocol buffers of an event file, field by field: `Event`, `Summary` and `SessionLog` of TensorFlow's
//! `core/util/event.proto` and `core/framework/summary.proto`.

/// Wire types of protocol buffers.
const VARINT: u8 = 0;
const FIXED64: u8 = 1;
const BYTES: u8 = 2;
const FIXED32: u8 = 5;

/// The first event of a file: `file_version` (3).
pub(super) fn version(time: f64) -> Vec<u8> {
    event(time, 0, 3, b"brain.Event:2")
}

/// The start of a session at a step: readers drop the events from this step on that they read before it. `session_log` (7)
/// with `status` (1) `START` (1).
pub(super) fn start(step: i64, time: f64) -> Vec<u8> {
    event(time, step, 7, &[key(1, VARINT), 1])
}

/// Scalars: `summary` (5) with `value` (1), each with `tag` (1) and `simple_value` (2).
pub(super) fn scalars(step: i64, time: f64, scalars: &[(&str, f64)]) -> Vec<u8> {
    let mut summary = Vec::new();
    for (tag, value) in scalars {
        let mut one = Vec::new();
        bytes(&mut one, 1, tag.as_bytes());
        one.push(key(2, FIXED32));
        one.extend((*value as f32).to_le_bytes());
        bytes(&mut summary, 1, &one);
    }
    event(time, step, 5, &summary)
}

/// `wall_time` (1), `step` (2) and a field of content.
fn event(time: f64, step: i64, field: u8, content: &[u8]) -> Vec<u8> {
    let mut event = vec![key(1, FIXED64)];
    event.extend(time.to_le_bytes());
    event.push(key(2, VARINT));
    varint(&mut event, step as u64);
    bytes(&mut event, field, content);
    event
}

fn key(field: u8, wire: u8) -> u8 {
    field << 3 | wire
}

fn bytes(to: &mut Vec<u8>, field: u8, content: &[u8]) {
    to.push(key(field, BYTES));
    varint(to, content.len() as u64);
    to.extend(content);
}

/// Seven bits a byte, the lowest first; the highest bit of a byte says that more follow.
fn varint(to: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_those_of_tensorboard() {
        // from tensorboard.compat.proto.event_pb2 import Event, SessionLog
        // from tensorboard.compat.proto.summary_pb2 import Summary
        // value = [Summary.Value(tag="train/loss", simple_value=0.5)]
        // Event(wall_time=1.5, step=300, summary=Summary(value=value)).SerializeToString().hex()
        let expected = "09000000000000f83f10ac022a130a110a0a747261696e2f6c6f7373150000003f";
        assert_eq!(hex(&scalars(300, 1.5, &[("train/loss", 0.5)])), expected);
        // Event(wall_time=1.5, step=5, session_log=SessionLog(status=SessionLog.START)).SerializeToString().hex()
        assert_eq!(hex(&start(5, 1.5)), "09000000000000f83f10053a020801");
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
