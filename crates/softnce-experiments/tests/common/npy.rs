//! Files of NumPy, for tests.

/// An `.npy` file of version 1.0 with values of this kind, such as `<f4`.
pub fn npy(kind: &str, shape: &str, values: impl IntoIterator<Item = u8>) -> Vec<u8> {
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}");
    header += &" ".repeat(63 - (10 + header.len()) % 64);
    header += "\n";
    let mut bytes = [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes()].concat();
    bytes.extend(values);
    bytes
}
