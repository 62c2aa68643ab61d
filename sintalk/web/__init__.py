"""What knows HTTP and knows no domain: both doors' manners, their errors, paging and the API's document."""
