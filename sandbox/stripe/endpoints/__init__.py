"""The API's endpoints: one function per request, called with the account's data and the parameters."""
