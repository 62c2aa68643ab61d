"""What knows HTTP and knows no domain: both doors' manners, their errors, paging and the API's document."""

#: Where the JSON API stands. What is not below it is for people.
API_PREFIX = "/api/v1"
