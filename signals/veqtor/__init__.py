"""The S&P 500 Dynamic VEQTOR strategy.

``rules`` says what is decided, ``indicators`` measures the market, ``index`` folds decisions into weights and levels,
``flags`` says how close a decision is, ``instruction`` turns weights into orders and ``report`` puts it all into words.

Source: S&P Dow Jones Indices, *S&P 500 Dynamic VEQTOR Indices Methodology*.
"""
