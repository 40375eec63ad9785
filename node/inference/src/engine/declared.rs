//! Whether what a model file declares is what the chain says.
//!
//! Knows nothing of any engine: an engine translates its own description into [`Declared`].

use super::{describe, EngineError, Side};
use aimodel_primitives::tensor::{Dimension, ElementType, Interface, TensorType};
use std::fmt;

/// A tensor as a model file declares it.
#[derive(Clone, Debug)]
pub(super) struct Declared {
	pub(super) name: String,
	/// `None` for an element type that the chain has no word for.
	pub(super) element: Option<ElementType>,
	/// The model file's word for the type.
	pub(super) type_name: String,
	/// `None` for a symbolic dimension.
	pub(super) shape: Vec<Option<u64>>,
}

impl fmt::Display for Declared {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		let dimensions: Vec<_> = self
			.shape
			.iter()
			.map(|dimension| dimension.map_or("?".into(), |n| n.to_string()))
			.collect();
		write!(f, "{}[{}]", self.type_name, dimensions.join(", "))
	}
}

/// Checks both sides.
pub(super) fn check(
	inputs: &[Declared],
	outputs: &[Declared],
	interface: &Interface,
) -> Result<(), EngineError> {
	check_side(Side::Input, inputs, &interface.input)?;
	check_side(Side::Output, outputs, &interface.output)
}

fn check_side(side: Side, declared: &[Declared], tensor: &TensorType) -> Result<(), EngineError> {
	let [declared] = declared else {
		let names: Vec<_> = declared.iter().map(|declared| declared.name.as_str()).collect();
		return Err(EngineError::Arity { side, found: declared.len(), names: names.join(", ") });
	};
	let fits = declared.element == Some(tensor.element)
		&& declared.shape.len() == tensor.shape.len()
		&& declared.shape.iter().zip(&tensor.shape).all(|(found, said)| admits(*found, *said));
	if fits {
		return Ok(());
	}
	Err(EngineError::WrongInterface {
		side,
		expected: describe(tensor),
		found: declared.to_string(),
	})
}

/// A symbolic dimension can be anything; what a run gives is checked again.
fn admits(found: Option<u64>, said: Dimension) -> bool {
	match (found, said) {
		(None, _) => true,
		(Some(n), Dimension::Fixed(said)) => n == u64::from(said),
		// A model for a fixed number of rows serves no other number.
		(Some(n), Dimension::Batch { max }) => n == 1 && max == 1,
		(Some(n), Dimension::Dynamic { max }) => (1..=u64::from(max)).contains(&n),
	}
}

/// Checks the shape that a run gave for `rows` rows.
pub(super) fn check_output(
	tensor: &TensorType,
	rows: u32,
	shape: &[u64],
) -> Result<(), EngineError> {
	let fits = shape.len() == tensor.shape.len()
		&& shape.iter().zip(&tensor.shape).all(|(found, said)| match *said {
			Dimension::Fixed(n) => *found == u64::from(n),
			Dimension::Batch { .. } => *found == u64::from(rows),
			Dimension::Dynamic { max } => (1..=u64::from(max)).contains(found),
		});
	if fits {
		return Ok(());
	}
	Err(EngineError::OutputShape { expected: describe(tensor), found: format!("{shape:?}"), rows })
}

#[cfg(test)]
mod tests {
	use super::*;
	use Dimension::*;

	fn tensor(element: ElementType, shape: &[Dimension]) -> TensorType {
		TensorType { element, shape: shape.to_vec().try_into().unwrap() }
	}

	fn declared(element: Option<ElementType>, shape: &[Option<u64>]) -> Declared {
		let type_name = if element.is_some() { "f32" } else { "f64" };
		Declared { name: "x".into(), element, type_name: type_name.into(), shape: shape.to_vec() }
	}

	fn fits(shape: &[Option<u64>], said: &[Dimension]) -> bool {
		let declared = [declared(Some(ElementType::F32), shape)];
		check_side(Side::Input, &declared, &tensor(ElementType::F32, said)).is_ok()
	}

	#[test]
	fn a_symbolic_dimension_fits_what_the_chain_says() {
		assert!(fits(&[None, Some(13)], &[Batch { max: 8 }, Fixed(13)]));
		assert!(fits(&[None, Some(13)], &[Fixed(1), Fixed(13)]));
		assert!(fits(&[None], &[Dynamic { max: 5 }]));
	}

	#[test]
	fn a_declared_number_binds() {
		assert!(fits(&[Some(1), Some(64)], &[Fixed(1), Fixed(64)]));
		assert!(!fits(&[Some(1), Some(64)], &[Fixed(1), Fixed(63)]));
		assert!(!fits(&[Some(8), Some(64)], &[Batch { max: 8 }, Fixed(64)]));
		assert!(fits(&[Some(1)], &[Batch { max: 1 }]));
		assert!(fits(&[Some(5)], &[Dynamic { max: 5 }]));
		assert!(!fits(&[Some(6)], &[Dynamic { max: 5 }]));
		assert!(!fits(&[None], &[Fixed(1), Fixed(13)]));
	}

	#[test]
	fn a_refusal_names_what_was_expected_and_what_was_found() {
		let said = Interface {
			input: tensor(ElementType::F32, &[Batch { max: 8 }, Fixed(13)]),
			output: tensor(ElementType::I64, &[Dynamic { max: 5 }]),
		};
		let found = declared(None, &[None, Some(13)]);
		let error = check(&[found], &[], &said).unwrap_err();
		assert_eq!(
			error.to_string(),
			"the model's input is f64[?, 13]; the chain says f32[batch ≤ 8, 13]"
		);
		let fit = declared(Some(ElementType::F32), &[None, Some(13)]);
		let error = check(std::slice::from_ref(&fit), &[], &said).unwrap_err();
		assert_eq!(
			error,
			EngineError::Arity { side: Side::Output, found: 0, names: String::new() }
		);
		let error = check(&[fit.clone(), fit], &[], &said).unwrap_err();
		assert_eq!(error, EngineError::Arity { side: Side::Input, found: 2, names: "x, x".into() });
	}

	#[test]
	fn an_output_has_the_rows_that_were_asked_for() {
		let said = tensor(ElementType::F32, &[Batch { max: 8 }, Fixed(3), Dynamic { max: 2 }]);
		assert_eq!(check_output(&said, 4, &[4, 3, 1]), Ok(()));
		assert_eq!(check_output(&said, 4, &[4, 3, 2]), Ok(()));
		for wrong in [&[3, 3, 1][..], &[4, 2, 1], &[4, 3, 0], &[4, 3, 3], &[4, 3], &[12, 1, 1]] {
			let error = check_output(&said, 4, wrong).unwrap_err();
			assert!(matches!(error, EngineError::OutputShape { rows: 4, .. }), "{wrong:?}");
		}
	}
}
