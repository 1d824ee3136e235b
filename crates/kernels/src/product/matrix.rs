//! Matrix views of slices.

use crate::sizes;

/// Read-only view of a matrix: element (row, column) is `data[row * row_stride + column * column_stride]`.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// Creates a row-major matrix whose rows start `stride` values apart.
    ///
    /// # Panics
    /// If the slice is too short, or rows overlap.
    ///
    /// # Example
    /// ```
    /// use stapes_kernels::product::Matrix;
    ///
    /// let matrix = Matrix::strided(&[1.0, 2.0, 0.0, 3.0, 4.0], (2, 2), 3);
    /// assert_eq!(matrix.get(1, 0), 3.0);
    /// assert_eq!(matrix.transposed().get(1, 0), 2.0);
    /// ```
    pub fn strided(data: &'a [f32], (rows, columns): (usize, usize), stride: usize) -> Matrix<'a> {
        check(data.len(), rows, columns, stride);
        Matrix { data, rows, columns, row_stride: stride, column_stride: 1 }
    }

    /// Creates a row-major matrix without gaps between the rows.
    ///
    /// # Panics
    /// If the slice does not have `rows * columns` values.
    pub fn new(data: &'a [f32], rows: usize, columns: usize) -> Matrix<'a> {
        assert_eq!(data.len(), sizes::count([rows, columns]), "length of a {rows} x {columns} matrix");
        Matrix { data, rows, columns, row_stride: columns, column_stride: 1 }
    }

    /// Returns the transpose, a view of the same values.
    pub fn transposed(self) -> Matrix<'a> {
        Matrix {
            data: self.data,
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }

    /// Returns the rows `first..first + rows`.
    ///
    /// # Panics
    /// If the matrix has fewer rows.
    pub fn rows_from(self, first: usize, rows: usize) -> Matrix<'a> {
        sizes::check_range("rows", (first, rows), self.rows);
        if rows == 0 || self.columns == 0 {
            return Matrix { data: &[], rows, ..self };
        }
        Matrix { data: &self.data[first * self.row_stride..], rows, ..self }
    }

    /// Returns the columns `first..first + columns`.
    ///
    /// # Panics
    /// If the matrix has fewer columns.
    pub fn columns_from(self, first: usize, columns: usize) -> Matrix<'a> {
        self.transposed().rows_from(first, columns).transposed()
    }

    /// Returns the element at this row and column.
    ///
    /// # Panics
    /// If the row or the column does not exist.
    pub fn get(&self, row: usize, column: usize) -> f32 {
        assert!(row < self.rows && column < self.columns);
        self.data[row * self.row_stride + column * self.column_stride]
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Values of one row; the columns must be contiguous.
    pub(crate) fn row(&self, row: usize) -> &'a [f32] {
        debug_assert_eq!(self.column_stride, 1);
        &self.data[row * self.row_stride..][..self.columns]
    }

    /// True if rows of this width are within the slice, if columns are contiguous.
    pub(crate) fn has_width(&self, width: usize) -> bool {
        sizes::extent([(self.rows, self.row_stride), (width, 1)]) <= self.data.len()
    }

    pub(crate) fn row_stride(&self) -> usize {
        self.row_stride
    }

    pub(crate) fn column_stride(&self) -> usize {
        self.column_stride
    }

    /// Pointer to element (row, column). A position one past the matrix is allowed if nothing is read there.
    pub(crate) fn pointer(&self, row: usize, column: usize) -> *const f32 {
        self.data.as_ptr().wrapping_add(row * self.row_stride + column * self.column_stride)
    }
}

/// Mutable view of a matrix with contiguous columns.
#[derive(Debug)]
pub struct MatrixMut<'a> {
    data: &'a mut [f32],
    rows: usize,
    columns: usize,
    stride: usize,
}

impl<'a> MatrixMut<'a> {
    /// Creates a row-major matrix whose rows start `stride` values apart.
    ///
    /// # Panics
    /// If the slice is too short, or rows overlap.
    pub fn strided(data: &'a mut [f32], (rows, columns): (usize, usize), stride: usize) -> MatrixMut<'a> {
        check(data.len(), rows, columns, stride);
        MatrixMut { data, rows, columns, stride }
    }

    /// Creates a row-major matrix without gaps between the rows.
    ///
    /// # Panics
    /// If the slice does not have `rows * columns` values.
    pub fn new(data: &'a mut [f32], rows: usize, columns: usize) -> MatrixMut<'a> {
        assert_eq!(data.len(), sizes::count([rows, columns]), "length of a {rows} x {columns} matrix");
        MatrixMut { data, rows, columns, stride: columns }
    }

    /// Reborrows the matrix.
    pub fn reborrow(&mut self) -> MatrixMut<'_> {
        MatrixMut { data: self.data, rows: self.rows, columns: self.columns, stride: self.stride }
    }

    /// Returns a read-only view of the matrix.
    pub fn as_matrix(&self) -> Matrix<'_> {
        Matrix {
            data: self.data,
            rows: self.rows,
            columns: self.columns,
            row_stride: self.stride,
            column_stride: 1,
        }
    }

    /// Splits the matrix into the rows before `row` and the rows from `row` on.
    pub(crate) fn split_at(self, row: usize) -> (MatrixMut<'a>, MatrixMut<'a>) {
        let MatrixMut { data, rows, columns, stride } = self;
        assert!(row <= rows, "row {row} of {rows}");
        let (before, after) = data.split_at_mut(sizes::count([row, stride]).min(data.len()));
        (
            MatrixMut { data: before, rows: row, columns, stride },
            MatrixMut { data: after, rows: rows - row, columns, stride },
        )
    }

    /// Converts the matrix into a read-only view.
    pub(crate) fn into_matrix(self) -> Matrix<'a> {
        let MatrixMut { data, rows, columns, stride } = self;
        Matrix { data, rows, columns, row_stride: stride, column_stride: 1 }
    }

    /// Returns the rows `first..first + rows`.
    ///
    /// # Panics
    /// If the matrix has fewer rows.
    pub fn rows_from(self, first: usize, rows: usize) -> MatrixMut<'a> {
        sizes::check_range("rows", (first, rows), self.rows);
        if rows == 0 || self.columns == 0 {
            return MatrixMut { data: &mut [], rows, ..self };
        }
        MatrixMut { data: &mut self.data[first * self.stride..], rows, ..self }
    }

    /// Returns the columns `first..first + columns`.
    ///
    /// # Panics
    /// If the matrix has fewer columns.
    pub fn columns_from(self, first: usize, columns: usize) -> MatrixMut<'a> {
        sizes::check_range("columns", (first, columns), self.columns);
        if self.rows == 0 || columns == 0 {
            return MatrixMut { data: &mut [], columns, ..self };
        }
        MatrixMut { data: &mut self.data[first..], columns, ..self }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    pub(crate) fn row_mut(&mut self, row: usize) -> &mut [f32] {
        &mut self.data[row * self.stride..][..self.columns]
    }

    pub(crate) fn stride(&self) -> usize {
        self.stride
    }

    /// Pointer to the start of a row.
    pub(crate) fn pointer(&mut self, row: usize) -> *mut f32 {
        self.data.as_mut_ptr().wrapping_add(row * self.stride)
    }
}

/// The invariant of the constructors, on which the kernels' pointers rely: every element is within the slice.
fn check(len: usize, rows: usize, columns: usize, stride: usize) {
    assert!(columns <= stride || rows <= 1, "rows of {columns} columns, {stride} apart, overlap");
    let needed = sizes::extent([(rows, stride), (columns, 1)]);
    assert!(needed <= len, "{rows} rows of {columns}, {stride} apart, need {needed} values, not {len}");
}

/// Start value of the sum for each element of C.
#[derive(Clone, Copy, Debug)]
pub enum Start<'a> {
    /// Zero: C = A B.
    Zero,
    /// The current value of C: C = C + A B.
    Keep,
    /// One row for all rows of C: C = b + A B.
    Row(&'a [f32]),
}
