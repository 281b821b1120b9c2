module linekeeper.example/client

go 1.23
