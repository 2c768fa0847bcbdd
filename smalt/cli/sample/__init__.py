"""An invented company whose annual report and workbook come from one small model, so that every figure ties."""
