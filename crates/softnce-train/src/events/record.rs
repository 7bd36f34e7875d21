//! TFRecord: each record with its length and masked checksums
//! (<https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details>).

/// The bytes of a record: length, checksum of the length, data, checksum of the data; all in little endian.
pub(super) fn framed(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    [&length[..], &masked(&length).to_le_bytes(), data, &masked(data).to_le_bytes()].concat()
}

/// The CRC-32C, rotated and shifted: a checksum of data that holds checksums would be weak without it.
fn masked(data: &[u8]) -> u32 {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_that_of_tensorboard() {
        // import io; from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c
        // [hex(masked_crc32c(b)) for b in ((3).to_bytes(8, "little"), b"abc")]
        let expected: Vec<u8> =
            [&3_u64.to_le_bytes()[..], &0x0e49_99b0_u32.to_le_bytes(), b"abc", &0x21f1_576e_u32.to_le_bytes()].concat();
        assert_eq!(framed(b"abc"), expected);
    }
}
