"""The Data page: choosing data (`source`), naming their columns (`mapping`), the report on them (`view`, `charts`).

Reading and counting belong in `data` and `datasets`; here is only what is drawn and asked. May not train.
"""
