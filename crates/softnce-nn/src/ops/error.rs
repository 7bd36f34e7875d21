//! Why an operation is refused.

/// An argument of an operation that is out of range or does not fit the other arguments.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation}: {argument} is {found}, expected {expected}")]
#[non_exhaustive]
pub struct OperationError {
    /// Name of the operation.
    pub operation: &'static str,
    /// Name of the argument.
    pub argument: &'static str,
    /// Its value or shape.
    pub found: String,
    /// What would be accepted.
    pub expected: String,
}

impl OperationError {
    /// An error about a number.
    pub(crate) fn number(operation: &'static str, argument: &'static str, found: usize, expected: String) -> Self {
        OperationError { operation, argument, found: found.to_string(), expected }
    }

    /// An error about a shape.
    pub(crate) fn shape(operation: &'static str, argument: &'static str, found: &[usize], expected: String) -> Self {
        OperationError { operation, argument, found: format!("of shape {found:?}"), expected }
    }
}
