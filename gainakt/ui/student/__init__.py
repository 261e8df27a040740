"""The Student page: whom to look at (`choice`), their course and one prediction (`view`), and its charts (`figures`).

`words` says a prediction in sentences.
"""
