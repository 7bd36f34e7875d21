//! Names of parameters, and ids from these names.

use burn::module::{Module, ModuleMapper, Param, ParamId};
use burn::tensor::Tensor;

/// The path of the module being visited; variants of enums are left out of it.
#[derive(Debug, Default)]
pub(crate) struct ModulePath {
    parts: Vec<Option<String>>,
}

impl ModulePath {
    /// Follows `enter_module` of a visitor or mapper.
    pub(crate) fn enter(&mut self, name: &str, container: &str) {
        self.parts.push((!container.starts_with("Enum:")).then(|| name.to_string()));
    }

    /// Follows `exit_module`.
    pub(crate) fn exit(&mut self) {
        self.parts.pop();
    }

    /// The dotted name, such as `blocks.0.attn.qkv.weight`.
    pub(crate) fn name(&self) -> String {
        self.parts.iter().flatten().map(String::as_str).collect::<Vec<_>>().join(".")
    }
}

/// The id of the parameter of this name: the 64 bit FNV-1a hash (Fowler, Noll and Vo) of its bytes.
fn parameter_id(name: &str) -> ParamId {
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    ParamId::from(hash)
}

/// Sets the id of each parameter to the id of its name.
pub(super) fn with_ids<M: Module>(module: M) -> M {
    module.map(&mut Ids::default())
}

#[derive(Default)]
struct Ids {
    path: ModulePath,
}

impl ModuleMapper for Ids {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, mut param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.id = parameter_id(&self.path.name());
        param
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_fnv_1a() {
        // Published test vectors: FNV-1a of "" and of "a".
        assert_eq!(parameter_id("").val(), 0xcbf2_9ce4_8422_2325);
        assert_eq!(parameter_id("a").val(), 0xaf63_dc4c_8601_ec8c);
    }
}
