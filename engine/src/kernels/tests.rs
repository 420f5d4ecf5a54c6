//! Every instruction set of this machine against the definition of the formats.

use super::super::blocks::{BLOCK, Matrix};
use super::super::tiny::{Numbers, random_rows};
use super::*;

const COLUMNS: usize = 96;
const ROWS: usize = 5;

/// Random inputs of `N` tokens, as tiles and as the numbers that the tiles stand for.
fn inputs<const N: usize>(kernels: Kernels) -> (Vec<Tile<N>>, Vec<Vec<f64>>) {
    let mut numbers = Numbers(11);
    let mut tiles = vec![Tile::ZERO; COLUMNS / BLOCK];
    for n in 0..N {
        let row: Vec<f32> = (0..COLUMNS).map(|_| numbers.float() * 4.0).collect();
        kernels.round(&row, n, &mut tiles);
    }
    let value = |n: usize, i: usize| {
        let tile = &tiles[i / BLOCK];
        f64::from(tile.values[n][i % BLOCK]) * f64::from(tile.scales[n])
    };
    let rows = (0..N).map(|n| (0..COLUMNS).map(|i| value(n, i)).collect()).collect();
    (tiles, rows)
}

#[test]
fn products_are_those_of_the_unpacked_rows() {
    for quantization in [Quantization::Q4_0, Quantization::Q4_1, Quantization::Q8_0] {
        let mut data = random_rows(quantization, COLUMNS, ROWS, &mut Numbers(5));
        // The extremes of both kinds of integers.
        data[8..12].copy_from_slice(&[0x80, 0x80, 0xff, 0x7f]);
        let matrix = Matrix { quantization, rows: ROWS, columns: COLUMNS, data: &data };
        for kernels in Kernels::every() {
            let (tiles, rows) = inputs::<4>(kernels);
            let mut out = [[0.0; 4]; ROWS];
            kernels.products(quantization, &data, &tiles, &mut out);
            for (row, out) in out.iter().enumerate() {
                let mut weights = [0.0; COLUMNS];
                matrix.unpack(row, &mut weights);
                for (n, out) in out.iter().enumerate() {
                    let exact: f64 = weights.iter().zip(&rows[n]).map(|(w, x)| f64::from(*w) * x).sum();
                    assert!(
                        (f64::from(*out) - exact).abs() < 1e-4,
                        "{kernels:?} {quantization:?}: {out} {exact}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_token_alone_has_the_bits_that_it_has_among_others() {
    for quantization in [Quantization::Q4_0, Quantization::Q4_1, Quantization::Q8_0] {
        let data = random_rows(quantization, COLUMNS, ROWS, &mut Numbers(6));
        for kernels in Kernels::every() {
            let (tiles, _) = inputs::<4>(kernels);
            let mut together = [[0.0; 4]; ROWS];
            kernels.products(quantization, &data, &tiles, &mut together);
            for n in 0..4 {
                let single = |tile: &Tile<4>| Tile {
                    values: [tile.values[n]],
                    scales: [tile.scales[n]],
                    sums: [tile.sums[n]],
                };
                let tiles: Vec<Tile<1>> = tiles.iter().map(single).collect();
                let mut alone = [[0.0]; ROWS];
                kernels.products(quantization, &data, &tiles, &mut alone);
                assert_eq!(alone.map(|[a]| a.to_bits()), together.map(|row| row[n].to_bits()), "{kernels:?}");
            }
        }
    }
}

#[test]
fn combinations_are_sums_of_scaled_rows() {
    let mut numbers = Numbers(8);
    let rows: Vec<Halves> =
        (0..37).map(|_| std::array::from_fn(|_| blocks::f32_to_half(numbers.float()))).collect();
    let factors: Vec<f32> = (0..74).map(|_| numbers.float()).collect();
    for kernels in Kernels::every() {
        let sums = kernels.combine([&factors[..37], &factors[37..]], &rows);
        for (n, sums) in sums.iter().enumerate() {
            for (i, sum) in sums.iter().enumerate() {
                let terms = rows.iter().zip(&factors[n * 37..]);
                let exact: f64 = terms
                    .map(|(row, factor)| f64::from(blocks::half_to_f32(row[i])) * f64::from(*factor))
                    .sum();
                assert!((f64::from(*sum) - exact).abs() < 1e-5, "{kernels:?}");
            }
        }
    }
}

#[test]
fn arithmetic_between_products_has_the_same_bits_everywhere() {
    let mut numbers = Numbers(9);
    let values: Vec<f32> = (0..45).map(|_| numbers.float() * 20.0).collect();
    let results = Kernels::every().map(|kernels| {
        let mut shares = values.clone();
        kernels.softmax(&mut shares);
        let mut gate = values.clone();
        kernels.swiglu(&mut gate, &shares);
        let (tiles, _) = inputs::<4>(kernels);
        let bits = |numbers: Vec<f32>| numbers.into_iter().map(f32::to_bits).collect::<Vec<_>>();
        (bits(shares), bits(gate), tiles.iter().map(|tile| tile.values).collect::<Vec<_>>())
    });
    let results: Vec<_> = results.collect();
    assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
}
