//! Where the numbers of a tensor lie.

use super::element::Element;

/// A strided view of a storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) element: Element,
    pub(super) shape: Vec<usize>,
    /// Steps between neighbours along each axis, in numbers.
    strides: Vec<usize>,
    /// The first number.
    offset: usize,
    /// How many numbers there are.
    count: usize,
    /// End of the last number in the storage, in bytes.
    end: usize,
}

/// A view may repeat the numbers of its storage (PyTorch's `expand`) up to this many.
const REPEATED: usize = 1 << 24;

impl Layout {
    /// A view of a storage with this many numbers.
    ///
    /// # Errors
    /// In words: what is wrong with the view.
    pub(super) fn strided(
        element: Element,
        shape: Vec<usize>,
        strides: Vec<usize>,
        offset: usize,
        stored: usize,
    ) -> Result<Layout, String> {
        let wrong =
            || format!("of shape {shape:?} with strides {strides:?} from {offset} in a storage of {stored} numbers");
        if shape.len() != strides.len() {
            return Err(wrong());
        }
        let count = shape.iter().try_fold(1_usize, |count, &side| count.checked_mul(side)).ok_or_else(wrong)?;
        let last = shape.iter().zip(&strides).try_fold(offset, |last, (&side, &stride)| {
            side.saturating_sub(1).checked_mul(stride).and_then(|step| last.checked_add(step))
        });
        let end = if count == 0 { Some(0) } else { last.and_then(|last| last.checked_add(1)) };
        let end = end.filter(|&end| end <= stored && count <= stored.max(REPEATED)).ok_or_else(wrong)?;
        let end = end.checked_mul(element.size()).ok_or_else(wrong)?;
        Ok(Layout { element, shape, strides, offset, count, end })
    }

    /// The whole of a storage, row by row.
    pub(super) fn whole(element: Element, shape: Vec<usize>) -> Result<Layout, String> {
        let count = shape.iter().try_fold(1_usize, |count, &side| count.checked_mul(side));
        let count = count.ok_or_else(|| format!("of shape {shape:?}"))?;
        let strides = row_by_row(&shape);
        Layout::strided(element, shape, strides, 0, count)
    }

    /// Bytes of the storage that are needed.
    pub(super) fn end(&self) -> usize {
        self.end
    }

    /// Bytes of the numbers themselves.
    pub(super) fn bytes(&self) -> usize {
        self.count.saturating_mul(self.element.size())
    }

    /// The numbers row by row, from at least the first [`Layout::end`] bytes of the storage.
    pub(super) fn read(&self, storage: &[u8], big: bool) -> Vec<f32> {
        let size = self.element.size();
        if self.count == 0 {
            return Vec::new();
        }
        if self.strides == row_by_row(&self.shape) {
            return self.element.floats(&storage[self.offset * size..self.end], big);
        }
        let mut bytes = Vec::with_capacity(self.bytes());
        let mut place = vec![0_usize; self.shape.len()];
        for _ in 0..self.count {
            let number = self.offset + place.iter().zip(&self.strides).map(|(at, stride)| at * stride).sum::<usize>();
            bytes.extend_from_slice(&storage[number * size..(number + 1) * size]);
            for (at, &side) in place.iter_mut().zip(&self.shape).rev() {
                *at += 1;
                if *at < side {
                    break;
                }
                *at = 0;
            }
        }
        self.element.floats(&bytes, big)
    }
}

/// The strides of a tensor that lies row by row. PyTorch may store another stride for an axis of length 1; such tensors are
/// read entry by entry.
fn row_by_row(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1_usize; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis].saturating_mul(shape[axis]);
    }
    strides
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored() -> Vec<u8> {
        (0..12_u8).flat_map(|value| f32::from(value).to_le_bytes()).collect()
    }

    #[test]
    fn views_are_read_by_their_strides() {
        let read = |shape: &[usize], strides: &[usize], offset| {
            let layout = Layout::strided(Element::F32, shape.to_vec(), strides.to_vec(), offset, 12).unwrap();
            layout.read(&stored()[..layout.end()], false)
        };
        assert_eq!(read(&[2, 3], &[3, 1], 0), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(read(&[3, 2], &[1, 3], 2), [2.0, 5.0, 3.0, 6.0, 4.0, 7.0]);
        assert_eq!(read(&[2, 1, 2], &[0, 77, 4], 1), [1.0, 5.0, 1.0, 5.0]);
        assert_eq!(read(&[], &[], 11), [11.0]);
        assert!(read(&[0, 5], &[9, 9], 40).is_empty());
    }

    #[test]
    fn views_beyond_their_storage_are_refused() {
        let refuse = |shape: &[usize], strides: &[usize], offset| {
            Layout::strided(Element::F64, shape.to_vec(), strides.to_vec(), offset, 12).unwrap_err()
        };
        let text = refuse(&[3, 4], &[4, 1], 1);
        assert_eq!(text, "of shape [3, 4] with strides [4, 1] from 1 in a storage of 12 numbers");
        refuse(&[2, 3], &[3], 0);
        refuse(&[usize::MAX, 2], &[0, 0], 0);
        refuse(&[1 << 40], &[0], 0);
        refuse(&[3], &[usize::MAX / 2 + 1], 0);
        refuse(&[1], &[1], usize::MAX);
        assert!(Layout::whole(Element::F32, vec![1 << 62]).is_err());
    }

    #[test]
    fn every_type_of_numbers_becomes_floats() {
        for (element, bytes) in [
            (Element::F64, (-1.5_f64).to_le_bytes().to_vec()),
            (Element::F32, (-1.5_f32).to_le_bytes().to_vec()),
            (Element::F16, half::f16::from_f32(-1.5).to_le_bytes().to_vec()),
            (Element::BF16, half::bf16::from_f32(-1.5).to_le_bytes().to_vec()),
        ] {
            assert_eq!(element.floats(&bytes, false), [-1.5]);
            let reversed: Vec<u8> = bytes.into_iter().rev().collect();
            assert_eq!(element.floats(&reversed, true), [-1.5]);
        }
        for element in [Element::I64, Element::I32, Element::I16, Element::I8] {
            assert_eq!(element.floats(&vec![0xff; element.size()], false), [-1.0]);
        }
        for element in [Element::U64, Element::U32, Element::U16, Element::U8, Element::Bool] {
            let bytes: Vec<u8> = std::iter::once(1).chain(vec![0; element.size() - 1]).collect();
            assert_eq!(element.floats(&bytes, false), [1.0]);
        }
    }
}
